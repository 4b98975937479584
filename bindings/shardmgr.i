/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The one interface file, for Python and for Go: shardmgr.h as it is, and cells for its output arguments. The packages that people
 * use (python/shardmgr, bindings/go) are thin layers above this; nobody else imports it.
 */
%module capi

%{
#include "shardmgr.h"
%}

%include <stdint.i>
%include <cpointer.i>

#ifdef SWIGPYTHON
/* The interpreter's lock is let go only in calls that may block. */
%nothread;
%thread sm_container_open;
%thread sm_container_wait;
%thread sm_container_next;
%thread sm_container_close;

/* A text that C would see only the beginning of is refused. */
%typemap(in) const char * (Py_ssize_t bytes) {
	if ($input == Py_None) {
		$1 = NULL;
	} else if (!PyUnicode_Check($input)) {
		PyErr_Format(PyExc_TypeError, "a text must be a str, not %s", Py_TYPE($input)->tp_name);
		SWIG_fail;
	} else {
		$1 = (char *)PyUnicode_AsUTF8AndSize($input, &bytes);
		if (!$1)
			SWIG_fail;
		if (strlen($1) != (size_t)bytes) {
			PyErr_SetString(PyExc_ValueError, "a text must not contain NUL");
			SWIG_fail;
		}
	}
}
%typemap(freearg) const char * "";
#endif

/* Cells for outputs: new_…, …_value, delete_…. */
%pointer_functions(struct sm_container *, container_cell)
%pointer_functions(struct sm_event *, event_cell)
%pointer_functions(struct sm_route *, route_cell)
%pointer_functions(uint64_t, token_cell)

/* A text buffer for functions that copy text out. */
%inline %{
struct text_cell {
	char text[1024];
};
static void container_error_text(const struct sm_container *container, struct text_cell *cell)
{
	sm_container_error(container, cell->text, sizeof(cell->text));
}
static int route_lookup_text(struct sm_route *route, const char *service, const char *shard, uint32_t replica, struct text_cell *cell,
                             uint64_t *ret_token)
{
	return sm_route_lookup(route, service, shard, replica, cell->text, sizeof(cell->text), ret_token);
}
/* Go has no NULL string. */
static int container_done(struct sm_container *container, uint64_t sequence)
{
	return sm_container_ack(container, sequence, NULL);
}
static int route_open_default(struct sm_route **ret_route)
{
	return sm_route_open(NULL, ret_route);
}
%}
/* sm_event_type is an enum's name and a function's. */
%rename("event_kind", %$isfunction) sm_event_type;
%ignore sm_container_error;
%ignore sm_route_lookup;

%include "shardmgr.h"
