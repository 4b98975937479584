# SPDX-License-Identifier: Apache-2.0
# The Go package: users build it themselves against pkg-config's shardmgr; here it is only tested. SWIG's part is checked in.
GO_FILES = bindings/go/go.mod bindings/go/container.go bindings/go/errors.go bindings/go/options.go bindings/go/route.go \
	bindings/go/runner.go bindings/go/internal/capi/capi.go bindings/go/internal/capi/capi_wrap.c bindings/go/internal/capi/cgo.go
EXTRA_DIST += $(GO_FILES)

GO_ENV = PKG_CONFIG_PATH=$(abs_top_builddir)/packaging GOFLAGS='-buildvcs=false -mod=mod' GOTOOLCHAIN=local GOPROXY=off \
	CGO_LDFLAGS='-g -O2 -Wl,-rpath,$(abs_top_builddir)/.libs' GOCACHE=$(abs_top_builddir)/go-cache

# After a change of the header or of shardmgr.i.
.PHONY: go-generate
go-generate:
	$(SWIG) -go -cgo -intgosize 64 -package capi -I$(srcdir)/bindings -outdir $(srcdir)/bindings/go/internal/capi \
		-o $(srcdir)/bindings/go/internal/capi/capi_wrap.c $(srcdir)/bindings/shardmgr.i

clean-go:
	rm -rf go-cache
