// SPDX-License-Identifier: Apache-2.0

// Package shardmgr carries shards of a service, and finds out who carries which.
//
// The manager (smd) decides which container carries which shard and asks it to add and to drop; Run serves that for a Handler:
//
//	err := shardmgr.Run(ctx, shardmgr.Options{Service: "mirror", ID: "127.0.0.1:0"}, handler)
//
// Before every effect ask Shard.Held: it is the fencing token while this process may act for the shard, else 0; send the
// token along, so that whoever receives the effect can refuse a smaller one than it has seen.
package shardmgr

import (
	"context"
	"sync"
	"time"

	"shardmgr/internal/capi"
)

// A Shard that this container was given.
type Shard struct {
	ID      string
	Replica uint32
	Task    string // the shard's opaque application text; empty for Drop and Lost
	Token   uint64 // fencing token of the claim: grows with every new owner
	Reason  string // why, for people; may be empty

	container *Container
}

// Held is the fencing token if this process may act for the shard at this instant, else 0.
func (s Shard) Held() uint64 { return s.container.Held(s.ID, s.Replica) }

// Handler is what an application gives. Calls for different shards run in parallel, those for one shard never overlap.
type Handler interface {
	// Add: this process owns the shard now, start serving it; an error gives it back. ctx ends just before Drop or Lost is
	// called for the shard, so work that was started with it stops by itself.
	Add(ctx context.Context, shard Shard) error
	// Drop: stop serving the shard; when this returns, somebody else may own it. An error is only reported.
	Drop(ctx context.Context, shard Shard) error
}

// LostHandler is a Handler that wants to know that the session has ended; without it Drop is called.
type LostHandler interface {
	Lost(ctx context.Context, shard Shard) error
}

// A Container is registered with the cluster and carries shards while it Runs. Its methods may be called from any goroutine.
type Container struct {
	id string

	mu     sync.RWMutex // held for writing only by Close: everybody else uses handle under it
	handle capi.Struct_SS_sm_container
}

// Open registers a container. It returns when the manager can see it, when ctx ends, or with what is wrong.
// The caller ends it with Close.
func Open(ctx context.Context, options Options) (*Container, error) {
	handle, err := options.open()
	if err != nil {
		return nil, err
	}
	c := &Container{id: capi.Sm_container_id(handle), handle: handle}
	for {
		code := capi.Sm_container_wait(handle, 100)
		if code == 0 {
			return c, nil
		}
		if err := ctx.Err(); err != nil || code != ErrTimedOut.Code {
			if err == nil {
				err = &Error{code, c.Trouble()}
			}
			c.Close(0)
			return nil, err
		}
	}
}

// Run opens a container, carries shards until ctx ends, drops and releases them all, and closes it.
func Run(ctx context.Context, options Options, handler Handler) error {
	c, err := Open(ctx, options)
	if err != nil {
		return err
	}
	defer c.Close(2 * time.Second)
	return c.Run(ctx, handler)
}

// Run calls handler for what the manager asks. When ctx ends every shard is dropped and released, then Run returns nil.
// Call it once.
func (c *Container) Run(ctx context.Context, handler Handler) error {
	r := runner{container: c, handler: handler, contexts: map[shardKey]context.CancelFunc{}}
	ended := make(chan struct{})
	var stopper sync.WaitGroup
	stopper.Add(1)
	go func() {
		defer stopper.Done()
		select {
		case <-ctx.Done():
			c.Stop()
		case <-ended:
		}
	}()
	err := r.loop()
	close(ended)
	stopper.Wait()
	return err
}

// Stop announces a clean exit and returns: every shard is dropped, then Run returns.
func (c *Container) Stop() {
	c.use(func(handle capi.Struct_SS_sm_container) { capi.Sm_container_stop(handle) })
}

// Close ends everything. By calling it the application states that all work on all shards has ended: what is still claimed is released
// within timeout. Close again: nothing.
func (c *Container) Close(timeout time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.handle != nil {
		capi.Sm_container_close(c.handle, int(timeout/time.Millisecond))
		c.handle = nil
	}
}

// ID is "host:port" with the real port.
func (c *Container) ID() string { return c.id }

// Held is the fencing token if this process may act for the shard at this instant, else 0.
func (c *Container) Held(shard string, replica uint32) (token uint64) {
	if hasNUL(shard) {
		return 0
	}
	c.use(func(handle capi.Struct_SS_sm_container) { token = capi.Sm_shard_held(handle, shard, uint(replica)) })
	return token
}

// Trouble is the last trouble (etcd away since …, id held by …), "" if none.
func (c *Container) Trouble() (text string) {
	c.use(func(handle capi.Struct_SS_sm_container) {
		cell := capi.NewText_cell()
		defer capi.DeleteText_cell(cell)
		capi.Container_error_text(handle, cell)
		text = cell.GetText()
	})
	return text
}

func (c *Container) use(f func(capi.Struct_SS_sm_container)) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.handle == nil {
		return false
	}
	f(c.handle)
	return true
}
