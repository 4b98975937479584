// SPDX-License-Identifier: Apache-2.0

package shardmgr

import (
	"sort"
	"strconv"
	"strings"
	"time"

	"shardmgr/internal/capi"
)

// Options of a container. Service and ID are required; the zero value of the others is the default that shardmgr.h documents.
type Options struct {
	Service   string            // which service this container carries shards of
	ID        string            // "host:port" where the manager reaches this container; port 0 = any free port
	Listen    string            // "address:port" to bind instead of ID's
	Endpoints []string          // etcd's: host:port, http://…, https://…, unix:///path
	Prefix    string            // etcd prefix of the cluster
	TTL       time.Duration     // of the session, whole seconds, 2 s to 600 s
	Labels    map[string]string // failure domains and the like

	Username, Password string // for etcd with authentication
	CACert, Cert, Key  string // for etcd with TLS: files
}

// table lists the options that were given, by their names in shardmgr.h.
func (o Options) table() [][2]string {
	labels := make([]string, 0, len(o.Labels))
	for k, v := range o.Labels {
		labels = append(labels, k+"="+v)
	}
	sort.Strings(labels)
	ttl := ""
	if o.TTL != 0 {
		ttl = strconv.FormatInt(int64(o.TTL/time.Second), 10)
	}
	all := [][2]string{
		{"service", o.Service}, {"id", o.ID}, {"listen", o.Listen}, {"endpoints", strings.Join(o.Endpoints, ",")},
		{"prefix", o.Prefix}, {"ttl", ttl}, {"labels", strings.Join(labels, ",")},
		{"username", o.Username}, {"password", o.Password}, {"cacert", o.CACert}, {"cert", o.Cert}, {"key", o.Key},
	}
	given := all[:0]
	for _, option := range all {
		if option[1] != "" {
			given = append(given, option)
		}
	}
	return given
}

// hasNUL tells texts that C would see only the beginning of.
func hasNUL(text string) bool { return strings.IndexByte(text, 0) >= 0 }

// open gives the C handle of a container that has been started.
func (o Options) open() (capi.Struct_SS_sm_container, error) {
	options := capi.Sm_options_new()
	defer capi.Sm_options_free(options)
	for _, option := range o.table() {
		if hasNUL(option[1]) {
			return nil, &Error{ErrInvalid.Code, option[0] + ": a text must not contain NUL"}
		}
		if code := capi.Sm_options_set(options, option[0], option[1]); code < 0 {
			return nil, &Error{code, capi.Sm_options_error(options)}
		}
	}
	cell := capi.New_container_cell()
	defer capi.Delete_container_cell(cell)
	if code := capi.Sm_container_open(options, cell); code < 0 {
		return nil, &Error{code, capi.Sm_options_error(options)}
	}
	return capi.Container_cell_value(cell), nil
}
