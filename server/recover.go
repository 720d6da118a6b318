package server

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"

	"nacre/server/clock"
	"nacre/server/cluster"
	"nacre/server/replica"
	"nacre/server/settings"
	"nacre/server/store"
)

// RecoverSingle makes the node of a data folder, which no process may use, the only member of a new cluster with all
// that it holds, and returns that cluster's id.
func RecoverSingle(ctx context.Context, set settings.Settings, log *slog.Logger) (id string, err error) {
	s := &Server{settings: set, opts: Options{Log: log, Clock: clock.FromEnv()}}
	defer func() { err = errors.Join(err, s.Close()) }()
	if _, err := os.Stat(filepath.Join(set.DataDir, imageFile)); err != nil {
		return "", &settings.Error{Setting: "data-dir", Value: set.DataDir, Want: "must be the data folder of a node: " + err.Error()}
	}
	if s.lock, err = replica.LockDir(set.DataDir); err != nil {
		return "", err
	}
	if s.image, err = store.Open(ctx, store.Config{Path: filepath.Join(set.DataDir, imageFile), Log: log}); err != nil {
		return "", err
	}
	m := s.domains()
	if err := m.load(ctx, s.image); err != nil {
		return "", err
	}
	id, err = replica.RecoverSingle(replica.Config{
		Dir: set.DataDir, Lock: s.lock, Image: s.image, Applier: m, Reload: func() error { return m.reload(ctx, s.image) },
		Clock: s.opts.Clock, Logger: log,
	})
	if err != nil {
		return "", err
	}
	return id, cluster.ForgetAll(set.DataDir)
}
