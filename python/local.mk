# SPDX-License-Identifier: Apache-2.0
# The Python package: python/shardmgr/*.py, and SWIG's capi.py and _capi.so. In the build tree it is whole under python/, ready for PYTHONPATH.
PYTHON_MODULES = python/shardmgr/__init__.py python/shardmgr/_aio.py python/shardmgr/_container.py python/shardmgr/_core.py \
	python/shardmgr/_errors.py python/shardmgr/_fork.py python/shardmgr/_route.py python/shardmgr/py.typed
EXTRA_DIST += $(PYTHON_MODULES) bindings/shardmgr.i python/examples/mirror/board.py python/examples/mirror/demo.py \
	python/examples/mirror/etcd.py python/examples/mirror/journal.py python/examples/mirror/mirror.py python/examples/mirror/processes.py

if WITH_PYTHON
shardmgrpydir = $(pyexecdir)/shardmgr
dist_shardmgrpy_DATA = $(PYTHON_MODULES)
nodist_shardmgrpy_DATA = python/shardmgr/capi.py
shardmgrpy_LTLIBRARIES = python/shardmgr/_capi.la

nodist_python_shardmgr__capi_la_SOURCES = python/shardmgr/capi_wrap.c
python_shardmgr__capi_la_CPPFLAGS = $(AM_CPPFLAGS) $(PYTHON_CPPFLAGS)
python_shardmgr__capi_la_CFLAGS = -std=gnu17 -w $(SANITIZE_CFLAGS)
python_shardmgr__capi_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -export-symbols-regex '^PyInit_'
python_shardmgr__capi_la_LIBADD = libshardmgr.la

python/shardmgr/capi_wrap.c: bindings/shardmgr.i bindings/shardmgr.h
	$(AM_V_GEN)$(MKDIR_P) python/shardmgr && $(SWIG) -python -threads -I$(srcdir)/bindings -outdir python/shardmgr -o $@ $(srcdir)/bindings/shardmgr.i
python/shardmgr/capi.py: python/shardmgr/capi_wrap.c

# What PYTHONPATH=python needs beside the sources, in the build tree.
python/shardmgr/.whole: python/shardmgr/_capi.la python/shardmgr/capi.py $(PYTHON_MODULES)
	$(AM_V_GEN)cp -f python/shardmgr/.libs/_capi.so python/shardmgr/_capi.so && \
	{ test "$(srcdir)" = . || for f in $(PYTHON_MODULES); do cp -f $(srcdir)/$$f $$f; done; } && touch $@
all-local: python/shardmgr/.whole

uninstall-hook:
	rm -rf $(DESTDIR)$(shardmgrpydir)/__pycache__
	-rmdir $(DESTDIR)$(shardmgrpydir)

BUILT_SOURCES += python/shardmgr/capi_wrap.c
CLEANFILES += python/shardmgr/capi_wrap.c python/shardmgr/capi.py python/shardmgr/_capi.so python/shardmgr/.whole
endif

clean-python:
	test "$(srcdir)" = . || for f in $(PYTHON_MODULES); do rm -f $$f; done
	rm -rf python/shardmgr/__pycache__ python/__pycache__
