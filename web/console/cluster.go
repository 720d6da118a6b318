package console

import (
	"strconv"

	"github.com/gofiber/fiber/v2"

	"nacre/server/fault"
	"nacre/views/cluster"
	"nacre/views/parts"
	"nacre/views/words"
)

func (p *pages) clusterRoutes(r fiber.Router) {
	r.Get(pathCluster, p.signedIn((*visit).cluster))
}

func (v *visit) cluster() error {
	w := &v.w.Cluster
	return v.render(cluster.Page(cluster.Model{
		Page: v.frame(w.Title, pathCluster), Words: w, Notice: cluster.Notice{Title: w.Single, Text: w.SingleText},
		Nodes:  []cluster.Node{v.thisNode()},
		Ranges: v.ranges(pathCluster + "?"), Charts: v.charts("fsync", "latency", "memory", "traffic"),
	}))
}

// thisNode describes this node.
func (v *visit) thisNode() cluster.Node {
	w := &v.w.Cluster
	n := v.node()
	index := func(i uint64) string { return v.w.Number(int64(i)) }
	roles := map[string]string{"leader": w.Leader, "follower": w.Follower, "candidate": w.Candidate, "starting": w.Starting}
	out := cluster.Node{Name: n.ID, This: true, Role: roles[n.State], State: parts.State{Kind: "good", Text: w.Ready}}
	if err := v.Ready(); err != nil {
		out.State = parts.State{Kind: "bad", Text: w.NotReady + ": " + fault.TextOf(err)}
	}
	fsync := parts.Figure{Label: w.Fsync, Value: "–", Note: w.FsyncUnknown}
	if n.FsyncP99 > 0 {
		fsync.Value = strconv.FormatFloat(n.FsyncP99, 'g', 3, 64) + " ms"
	}
	if n.Commands > 0 {
		fsync.Note = words.Fill(w.FsyncNote, v.w.Number(int64(n.Fsyncs)), v.w.Number(int64(n.Commands)))
	}
	out.Figures = []parts.Figure{
		{Label: w.Applied, Value: index(n.AppliedIndex), Note: w.Term + " " + index(n.Term)},
		fsync,
		{Label: w.Memory, Value: v.w.Size(int64(n.RSS))},
		{Label: w.Disk, Value: v.w.Size(int64(n.DiskFree)), Note: words.Fill(w.DiskOf, v.w.Size(int64(n.DiskFree)), v.w.Size(int64(n.DiskTotal))), Bad: n.DiskTotal > 0 && n.DiskFree*100/n.DiskTotal < lowDisk},
		{Label: w.Uptime, Value: v.w.Time.For(v.now.Sub(v.Started))},
	}
	snapshot := w.SnapshotNone
	switch {
	case n.SnapshotMs > 0:
		snapshot = words.Fill(w.SnapshotAge, index(n.SnapshotIndex), v.moment(n.SnapshotMs).When)
	case n.SnapshotIndex > 0:
		snapshot = words.Fill(w.SnapshotAt, index(n.SnapshotIndex))
	}
	out.Facts = []parts.Fact{
		{Name: w.ID, Value: n.ID, Mono: true, CopyAs: n.ID},
		{Name: w.Addresses, Value: "HTTP " + n.HTTPAddr + " · gRPC " + n.GRPCAddr, Mono: true},
		{Name: w.Version, Value: v.Version},
		{Name: w.Storage, Value: w.StorageText},
		{Name: w.LastContact, Value: w.Itself},
		{Name: w.Committed, Value: index(n.CommitIndex), Title: w.CommittedNote},
		{Name: w.Applied, Value: index(n.AppliedIndex), Title: w.AppliedNote},
		{Name: w.Written, Value: index(n.WrittenIndex), Title: w.WrittenNote},
		{Name: w.Log, Value: v.w.Size(int64(n.LogBytes)) + " · " + words.Fill(w.LogEntries, index(n.LastLog))},
		{Name: w.Snapshot, Value: snapshot},
		{Name: w.Database, Value: v.w.Size(int64(n.ImageBytes))},
		{Name: w.Revision, Value: index(v.Configs.Revision())},
		{Name: w.Configs, Value: v.w.Number(v.Configs.Stats().Configs)},
	}
	return out
}
