// SPDX-License-Identifier: Apache-2.0

package shardmgr

import "shardmgr/internal/capi"

// Error is what the library reports: a code of shardmgr.h's enum sm_error, and what, where, and what to do about it.
type Error struct {
	Code int
	Text string
}

func (e *Error) Error() string {
	if e.Text == "" {
		return "shardmgr: " + capi.Sm_error_text(e.Code)
	}
	return "shardmgr: " + e.Text + " (" + capi.Sm_error_text(e.Code) + ")"
}

// Is makes errors.Is(err, shardmgr.ErrClosed) and the like compare codes.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// Errors to compare with by errors.Is.
var (
	ErrClosed      = &Error{Code: int(capi.SM_ECLOSED)}
	ErrTimedOut    = &Error{Code: int(capi.SM_ETIMEDOUT)}
	ErrInvalid     = &Error{Code: int(capi.SM_EINVAL)}
	ErrNotFound    = &Error{Code: int(capi.SM_ENOENT)}
	ErrUnavailable = &Error{Code: int(capi.SM_EUNAVAILABLE)}
)
