// SPDX-License-Identifier: Apache-2.0

package shardmgr

import (
	"sync"
	"time"

	"shardmgr/internal/capi"
)

// A Route looks owners up in the view that smd keeps in shared memory on this host. A lookup asks nobody and never blocks.
type Route struct {
	mu     sync.RWMutex
	handle capi.Struct_SS_sm_route
}

// OpenRoute maps the view read-only; runtimeDir is smd's, "" the default /run/shardmgr.
func OpenRoute(runtimeDir string) (*Route, error) {
	cell := capi.New_route_cell()
	defer capi.Delete_route_cell(cell)
	code := 0
	if runtimeDir == "" {
		code = capi.Route_open_default(cell)
	} else {
		code = capi.Sm_route_open(runtimeDir, cell)
	}
	if code < 0 {
		return nil, &Error{code, "no view there: is smd running with this runtimeDir?"}
	}
	return &Route{handle: capi.Route_cell_value(cell)}, nil
}

// Lookup gives the address of the shard's owner that is ready to serve, and its fencing token; ErrNotFound when there is none.
func (r *Route) Lookup(service, shard string, replica uint32) (address string, token uint64, err error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.handle == nil {
		return "", 0, ErrClosed
	}
	if hasNUL(service) || hasNUL(shard) {
		return "", 0, ErrInvalid
	}
	text, cell := capi.NewText_cell(), capi.New_token_cell()
	defer capi.DeleteText_cell(text)
	defer capi.Delete_token_cell(cell)
	if code := capi.Route_lookup_text(r.handle, service, shard, uint(replica), text, cell); code < 0 {
		return "", 0, &Error{Code: code}
	}
	return text.GetText(), capi.Token_cell_value(cell), nil
}

// Age is the time since the view was last known to be in step with etcd; negative while that is unknown.
func (r *Route) Age() time.Duration {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.handle == nil {
		return -1
	}
	return time.Duration(capi.Sm_route_age_ms(r.handle)) * time.Millisecond
}

// Close lets the view go.
func (r *Route) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.handle != nil {
		capi.Sm_route_close(r.handle)
		r.handle = nil
	}
}
