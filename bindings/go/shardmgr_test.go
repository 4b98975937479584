// SPDX-License-Identifier: Apache-2.0

package shardmgr_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"shardmgr"
)

// What tests/integration/test_go_package.py gives: a cluster of its own.
func cluster(t *testing.T) (endpoint, api, runtimeDir string) {
	endpoint = os.Getenv("SM_TEST_ENDPOINT")
	if endpoint == "" {
		t.Skip("SM_TEST_ENDPOINT is not set: run tests/integration/test_go_package.py")
	}
	return endpoint, os.Getenv("SM_TEST_HTTP"), os.Getenv("SM_TEST_RUNTIME")
}

func post(t *testing.T, url, body string) {
	answer, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != 200 {
		t.Fatalf("%s: %s", url, answer.Status)
	}
}

// within polls until condition holds.
func within(t *testing.T, what string, condition func() bool) {
	for end := time.Now().Add(30 * time.Second); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited too long for ", what)
		}
	}
}

type call struct {
	name  string
	shard shardmgr.Shard
	ctx   context.Context
}

type recorder struct{ calls chan call }

func (r recorder) Add(ctx context.Context, s shardmgr.Shard) error {
	r.calls <- call{"add", s, ctx}
	if s.Task == "panic" {
		panic("told to")
	}
	return nil
}

func (r recorder) Drop(ctx context.Context, s shardmgr.Shard) error {
	r.calls <- call{"drop", s, ctx}
	return nil
}

func TestWrongOptions(t *testing.T) {
	_, err := shardmgr.Open(context.Background(), shardmgr.Options{Service: "go", ID: "nowhere"})
	if !errors.Is(err, shardmgr.ErrInvalid) || !strings.Contains(err.Error(), "nowhere") {
		t.Fatal(err)
	}
	_, err = shardmgr.Open(context.Background(), shardmgr.Options{Service: "go", ID: "127.0.0.1:0", TTL: time.Hour})
	if !errors.Is(err, shardmgr.ErrInvalid) {
		t.Fatal(err)
	}
}

func TestOpenEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	_, err := shardmgr.Open(ctx, shardmgr.Options{Service: "go", ID: "127.0.0.1:0", Endpoints: []string{"127.0.0.1:1"}})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
}

func TestRouteWithoutView(t *testing.T) {
	if _, err := shardmgr.OpenRoute(t.TempDir()); !errors.Is(err, shardmgr.ErrNotFound) {
		t.Fatal(err)
	}
}

func TestAddHeldRouteDrop(t *testing.T) {
	endpoint, api, runtimeDir := cluster(t)
	before := runtime.NumGoroutine()
	post(t, api+"/sm/server/add-spec", `{"service":"go"}`)
	post(t, api+"/sm/server/add-shard", `{"service":"go","shardId":"s1","task":"text"}`)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c, err := shardmgr.Open(ctx, shardmgr.Options{Service: "go", ID: "127.0.0.1:0", Endpoints: []string{endpoint}, TTL: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	r := recorder{make(chan call, 10)}
	ended := make(chan error)
	go func() { ended <- c.Run(ctx, r) }()

	added := <-r.calls
	if added.name != "add" || added.shard.ID != "s1" || added.shard.Task != "text" || added.shard.Held() != added.shard.Token {
		t.Fatalf("%+v", added)
	}
	route, err := shardmgr.OpenRoute(runtimeDir)
	if err != nil {
		t.Fatal(err)
	}
	within(t, "the route", func() bool {
		address, token, err := route.Lookup("go", "s1", 0)
		return err == nil && address == c.ID() && token == added.shard.Token
	})
	if _, _, err := route.Lookup("go", "s2", 0); !errors.Is(err, shardmgr.ErrNotFound) {
		t.Fatal(err)
	}
	route.Close()

	cancel()
	dropped := <-r.calls
	if dropped.name != "drop" || dropped.shard.ID != "s1" || added.ctx.Err() == nil {
		t.Fatalf("%+v, context of the add: %v", dropped, added.ctx.Err())
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	c.Close(time.Second)
	c.Close(time.Second)
	if c.Held("s1", 0) != 0 {
		t.Fatal("held after Close")
	}
	within(t, "all goroutines to end", func() bool {
		http.DefaultClient.CloseIdleConnections()
		return runtime.NumGoroutine() <= before
	})
}

func TestPanicInAddGivesTheShardBack(t *testing.T) {
	endpoint, api, _ := cluster(t)
	post(t, api+"/sm/server/add-spec", `{"service":"go-panic"}`)
	post(t, api+"/sm/server/add-shard", `{"service":"go-panic","shardId":"s1","task":"panic"}`)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r := recorder{make(chan call, 100)}
	ended := make(chan error)
	go func() {
		ended <- shardmgr.Run(ctx, shardmgr.Options{Service: "go-panic", ID: "127.0.0.1:0", Endpoints: []string{endpoint}, TTL: 2 * time.Second}, r)
	}()
	first, second := <-r.calls, <-r.calls
	if first.name != "add" || second.name != "add" || second.shard.Token <= first.shard.Token {
		t.Fatalf("%+v then %+v", first, second)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}
