// SPDX-License-Identifier: Apache-2.0

// Package capi is libshardmgr as SWIG sees it; package shardmgr is for people.
//
// capi.go and capi_wrap.c are generated from bindings/shardmgr.i (make go-generate) and checked in, so that nobody
// needs SWIG to build a Go program.
package capi

// #cgo pkg-config: shardmgr
import "C"
