package server

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"nacre/server/settings"
)

func built(t *testing.T) *Server {
	t.Helper()
	s := settings.Default()
	s.HTTPAddr, s.DataDir = "127.0.0.1:0", t.TempDir()
	srv, err := New(context.Background(), s, Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Fatal: func(err error) { t.Log(err) }})
	if err != nil {
		t.Fatal(err)
	}
	return srv
}

func TestAServerToldToStopBeforeItServesStopsWithoutAnError(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for range 3 {
		if err := built(t).Run(ctx); err != nil {
			t.Error(err)
		}
	}
}

func TestAServerWhoseJournalCantStartEndsWithTheReason(t *testing.T) {
	srv := built(t)
	if err := srv.node.Close(); err != nil { // raft can't write then
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := srv.Run(ctx)
	if ctx.Err() != nil || err == nil {
		t.Errorf("Run went on until it was told to stop, and said: %v", err)
	}
	t.Log(err)
}
