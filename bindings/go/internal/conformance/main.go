// SPDX-License-Identifier: Apache-2.0

// The conformance container in Go; what it prints is in tests/conformance/README.md.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"shardmgr"
)

const clockBoottime = 7

func bootNs() uint64 {
	var t syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clockBoottime, uintptr(unsafe.Pointer(&t)), 0)
	return uint64(t.Nano())
}

type app struct {
	mu     sync.Mutex
	failed map[string]bool
}

func say(fields map[string]any) {
	line, _ := json.Marshal(fields)
	os.Stdout.Write(append(line, '\n'))
}

func sayShard(event string, s shardmgr.Shard) {
	say(map[string]any{"event": event, "shard": s.ID, "task": s.Task, "token": strconv.FormatUint(s.Token, 10),
		"held": strconv.FormatUint(s.Held(), 10), "ns": bootNs()})
}

func (a *app) Add(_ context.Context, s shardmgr.Shard) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s.Task == "fail-once" && !a.failed[s.ID] {
		a.failed[s.ID] = true
		sayShard("failed", s)
		return errors.New("told to fail")
	}
	sayShard("add", s)
	return nil
}

func (a *app) Drop(_ context.Context, s shardmgr.Shard) error {
	sayShard("drop", s)
	return nil
}

func (a *app) Lost(_ context.Context, s shardmgr.Shard) error {
	sayShard("lost", s)
	return nil
}

func run() error {
	options := shardmgr.Options{Service: os.Args[1], ID: os.Args[2], Endpoints: strings.Split(os.Args[3], ",")}
	if len(os.Args) > 4 {
		ttl, err := strconv.Atoi(os.Args[4])
		if err != nil {
			return err
		}
		options.TTL = time.Duration(ttl) * time.Second
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	c, err := shardmgr.Open(ctx, options)
	if err != nil {
		return err
	}
	defer c.Close(2 * time.Second)
	say(map[string]any{"event": "open", "id": c.ID()})
	return c.Run(ctx, &app{failed: map[string]bool{}})
}

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: conformance SERVICE ID ENDPOINTS [TTL]")
		os.Exit(2)
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	say(map[string]any{"event": "closed"})
}
