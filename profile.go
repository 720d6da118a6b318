//go:build profile

package main

import (
	"log/slog"
	"net/http"
	_ "net/http/pprof" // registers its handlers on the default mux, which nothing else serves
	"os"
	"time"
)

// A binary built with -tags profile serves Go's profiles on the address that NACRE_PROFILE_ADDR
// names, for measuring; docs/performance.md says how.
func init() {
	addr := os.Getenv("NACRE_PROFILE_ADDR")
	if addr == "" {
		return
	}
	s := &http.Server{Addr: addr, ReadHeaderTimeout: 5 * time.Second}
	go func() { slog.Error("profiles are not served", "error", s.ListenAndServe()) }()
}
