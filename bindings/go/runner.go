// SPDX-License-Identifier: Apache-2.0

package shardmgr

import (
	"context"
	"fmt"
	"sync"

	"shardmgr/internal/capi"
)

// How long one call into C waits for an event, in ms: Close from another goroutine waits for at most this.
const sliceMs = 100

type shardKey struct {
	id      string
	replica uint32
}

type event struct {
	kind     capi.Enum_SS_sm_event_type
	shard    Shard
	sequence uint64
}

// A runner hands one container's events to its handler.
type runner struct {
	container *Container
	handler   Handler
	handlers  sync.WaitGroup

	mu       sync.Mutex
	contexts map[shardKey]context.CancelFunc // of the shards that were added
}

func (r *runner) loop() error {
	defer r.cancelAll()
	defer r.handlers.Wait()
	for {
		e, err := r.container.next()
		switch {
		case err == nil && e != nil:
			r.handlers.Add(1)
			go r.handle(*e)
		case err == nil:
		case err.Is(ErrClosed):
			return nil
		default:
			return err
		}
	}
}

// next waits for an event: nil, nil when none came within the slice.
func (c *Container) next() (e *event, err *Error) {
	code := ErrClosed.Code
	c.use(func(handle capi.Struct_SS_sm_container) {
		cell := capi.New_event_cell()
		defer capi.Delete_event_cell(cell)
		code = capi.Sm_container_next(handle, sliceMs, cell)
		if code == 0 {
			raw := capi.Event_cell_value(cell)
			defer capi.Sm_event_free(raw)
			e = &event{capi.Event_kind(raw), Shard{
				ID:        capi.Sm_event_shard(raw),
				Replica:   uint32(capi.Sm_event_replica(raw)),
				Task:      capi.Sm_event_task(raw),
				Token:     capi.Sm_event_token(raw),
				Reason:    capi.Sm_event_reason(raw),
				container: c,
			}, capi.Sm_event_sequence(raw)}
		}
	})
	if code < 0 && code != ErrTimedOut.Code {
		return nil, &Error{code, c.Trouble()}
	}
	return e, nil
}

func (r *runner) handle(e event) {
	defer r.handlers.Done()
	err := r.call(e)
	r.container.use(func(handle capi.Struct_SS_sm_container) {
		if err != nil {
			capi.Sm_container_ack(handle, e.sequence, err.Error())
		} else {
			capi.Container_done(handle, e.sequence)
		}
	})
}

// call runs the handler; a panic counts as its error, since the shard must not hang.
func (r *runner) call(e event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
		if err != nil && err.Error() == "" {
			err = fmt.Errorf("%T", err)
		}
	}()
	key := shardKey{e.shard.ID, e.shard.Replica}
	if e.kind == capi.SM_EVENT_ADD {
		ctx, cancel := context.WithCancel(context.Background())
		r.keep(key, cancel)
		if err = r.handler.Add(ctx, e.shard); err != nil {
			r.cancel(key)
		}
		return err
	}
	r.cancel(key)
	if lost, ok := r.handler.(LostHandler); ok && e.kind == capi.SM_EVENT_LOST {
		return lost.Lost(context.Background(), e.shard)
	}
	return r.handler.Drop(context.Background(), e.shard)
}

func (r *runner) keep(key shardKey, cancel context.CancelFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if before := r.contexts[key]; before != nil {
		before()
	}
	r.contexts[key] = cancel
}

func (r *runner) cancel(key shardKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if cancel := r.contexts[key]; cancel != nil {
		cancel()
		delete(r.contexts, key)
	}
}

func (r *runner) cancelAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, cancel := range r.contexts {
		cancel()
		delete(r.contexts, key)
	}
}
