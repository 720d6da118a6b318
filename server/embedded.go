package server

import (
	"context"
	"errors"
	"path/filepath"

	"nacre/server/replica"
	"nacre/server/store"
)

// openEmbedded opens the database in the data folder, loads memory from it, and opens the log.
func (s *Server) openEmbedded(ctx context.Context, m *machine) (err error) {
	if s.image, err = store.Open(ctx, store.Config{Path: filepath.Join(s.settings.DataDir, imageFile), Log: s.opts.Log}); err != nil {
		return err
	}
	if err = m.load(ctx, s.image); err != nil {
		return err
	}
	if err = s.checkAdminPassword(); err != nil {
		return err
	}
	s.node, err = replica.New(replica.Config{
		Dir: s.settings.DataDir, Lock: s.lock, Image: s.image, Applier: m,
		Reload: func() error { return m.reload(context.Background(), s.image) },
		Clock:  s.opts.Clock, Logger: s.opts.Log, Fatal: s.opts.Fatal, OnFsync: s.observeFsync, Cluster: s.replicaCluster(),
	})
	if err != nil {
		return err
	}
	s.keeper = s.node
	if s.cluster != nil {
		return s.meetCluster()
	}
	return nil
}

// stats are the journal's figures: on MySQL those of a node that leads itself.
func (s *Server) stats() replica.Stats {
	if s.node != nil {
		return s.node.Stats()
	}
	st := replica.Stats{State: "leader"}
	if s.cluster != nil && s.cluster.members != nil && !s.Leads() {
		st.State = "follower"
	}
	if s.mysql != nil {
		st.AppliedIndex = s.mysql.State().Revision
		st.CommitIndex, st.LastIndex = st.AppliedIndex, st.AppliedIndex
	}
	return st
}

// written is the index up to which the database holds the journal, and behind how many bytes it does not hold yet.
func (s *Server) written() (index, behind uint64) {
	if s.image != nil {
		return s.image.Written(), uint64(s.image.Stats().BehindBytes)
	}
	return s.stats().AppliedIndex, 0
}

// imageFailed is closed when the database in the data folder can't be written any more; nil where there is none.
func (s *Server) imageFailed() <-chan struct{} {
	if s.image == nil {
		return nil
	}
	return s.image.Failed()
}

// verify reads the whole history once, behind the answers. Only damage is an error: that a check could
// not be made now ends no server.
func (s *Server) verify(ctx context.Context) error {
	if s.image == nil {
		return nil
	}
	err := s.image.VerifyHistory(ctx)
	var damage *store.CorruptError
	switch {
	case err == nil || ctx.Err() != nil:
		return nil
	case errors.As(err, &damage):
		return err
	}
	s.opts.Log.Warn("the history could not be checked; it is checked again at the next start", "error", err)
	return nil
}
