package server

import (
	"cmp"
	"math"
	"os"
	"path/filepath"

	"nacre/server/fault"
	"nacre/server/release"
	"nacre/server/view"
)

// nodeView is how this node is.
func (s *Server) nodeView() view.Node {
	st := s.stats()
	written, _ := s.written()
	_, commands := s.group.Stats()
	n := view.Node{
		ID: s.keeper.ID(), Version: release.Version, StartedMs: s.started.UnixMilli(), Configs: s.configs.Stats().Configs, Revision: s.configs.Revision(), HTTPAddr: s.Addr(), GRPCAddr: s.GRPCAddr(), Leader: st.State == "leader", State: st.State, Term: st.Term,
		CommitIndex: st.CommitIndex, AppliedIndex: st.AppliedIndex, WrittenIndex: written, LastLog: st.LastIndex, SnapshotIndex: st.SnapshotIndex, SnapshotMs: st.SnapshotMs,
		Fsyncs: st.Fsyncs, FsyncP99: s.latest("fsync_p99"), LogBytes: st.LogBytes, Commands: commands,
	}
	if err := s.Ready(); err != nil {
		n.NotReady = fault.TextOf(err)
	}
	if s.mysql != nil {
		db := s.mysql.State()
		n.Database, n.DatabaseDown, n.DatabaseSinceMs = cmp.Or(db.Name, "MySQL"), db.Why, db.Since.UnixMilli()
	}
	if n.Leader {
		n.LeaderID = n.ID
	}
	s.raftView(&n)
	if rss := residentBytes(); !math.IsNaN(rss) {
		n.RSS = uint64(rss)
	}
	if free, all, err := space(s.settings.DataDir); err == nil {
		n.DiskFree, n.DiskTotal = free, all
	}
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(filepath.Join(s.settings.DataDir, imageFile+suffix)); err == nil {
			n.ImageBytes += uint64(info.Size())
		}
	}
	return n
}

// latest returns the last value of a figure that the node remembers, 0 when it has none.
func (s *Server) latest(figure string) float64 {
	t, err := s.series.Read("15m", figure)
	if err != nil || len(t.Lines) == 0 {
		return 0
	}
	values := t.Lines[0].Values
	for i := len(values) - 1; i >= 0; i-- {
		if v := float64(values[i]); !math.IsNaN(v) {
			return v
		}
	}
	return 0
}
