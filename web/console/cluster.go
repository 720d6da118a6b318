package console

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"nacre/server/fault"
	"nacre/server/view"
	"nacre/views/cluster"
	"nacre/views/parts"
	"nacre/views/words"
)

const (
	pathTransferLeader = pathCluster + "/transfer"
	pathRemoveMember   = pathCluster + "/remove"
	// operateFor is how long a change of who is in the cluster may take.
	operateFor = 10 * time.Second
	// lagShown is from how many entries behind the leader on a person is told.
	lagShown = 1000
)

// Operator changes who is in the cluster and who leads it. Remove of what would leave too few to decide wants force.
type Operator interface {
	Transfer(ctx context.Context, to string) error
	Remove(ctx context.Context, id string, force bool) error
}

func (p *pages) clusterRoutes(r fiber.Router) {
	r.Get(pathCluster, p.signedIn((*visit).cluster))
	if p.Operator != nil {
		r.Post(pathTransferLeader, p.signedIn((*visit).transferLeader))
		r.Post(pathRemoveMember, p.signedIn((*visit).removeMember))
	}
}

func (v *visit) cluster() error {
	w := &v.w.Cluster
	m := cluster.Model{
		Page: v.frame(w.Title, pathCluster), Words: w, Notice: cluster.Notice{Title: w.Single, Text: w.SingleText},
		Ranges: v.ranges(pathCluster + "?"), Charts: v.charts("fsync", "latency", "memory", "traffic"),
	}
	if v.Nodes.Others == nil {
		here := v.Nodes.Here()
		m.Nodes = []cluster.Node{v.memberCard(&quorum{here: &here}, &view.Answer[view.Node]{Member: v.Nodes.This(), Here: true, Value: here})}
		return v.render(cluster.Page(m))
	}
	s := v.quorum()
	m.Notice, m.Alerts = v.quorumNotice(s), v.clusterAlerts(s)
	for i := range s.answers {
		m.Nodes = append(m.Nodes, v.memberCard(s, &s.answers[i]))
	}
	m.Matrix = v.matrix(s)
	node := v.chartNode()
	q := url.Values{"range": {v.chartRange()}}
	for i := range s.answers {
		a := &s.answers[i]
		q.Set("node", a.ID)
		m.Of = append(m.Of, parts.Tab{Href: pathCluster + "?" + q.Encode(), Text: a.Name, Current: a.ID == node})
	}
	m.Ranges = v.ranges(pathCluster + "?" + url.Values{"node": {node}}.Encode() + "&")
	return v.render(cluster.Page(m))
}

// chartNode is the id of the node whose charts are shown: this one, or what the query says.
func (v *visit) chartNode() string {
	if id := v.c.Query("node"); id != "" {
		return id
	}
	return v.Nodes.This().ID
}

// quorum is how a cluster stands, as this node and those that answer it say.
type quorum struct {
	answers []view.Answer[view.Node]
	here    *view.Node
	// leader is the node that leads, as it says itself; nil when none that answers does.
	leader *view.Node
	// voters are the ids of those that decide; there of them answer, and needed must be there.
	voters        []string
	there, needed int
}

// quorum asks all nodes. It blocks for two seconds at the most.
func (v *visit) quorum() *quorum {
	s := &quorum{answers: v.Nodes.States(v.c.UserContext())}
	s.here = &s.answers[0].Value
	for i := range s.answers {
		if a := &s.answers[i]; a.Err == nil && a.Value.Leader && (s.leader == nil || a.Value.Term > s.leader.Term) {
			s.leader = &a.Value
		}
	}
	s.voters = s.here.Voters
	if s.leader != nil && len(s.leader.Voters) > 0 {
		s.voters = s.leader.Voters
	}
	if s.here.Database != "" { // each decides by the database
		for i := range s.answers {
			if s.voters = append(s.voters, s.answers[i].ID); s.answers[i].Err == nil {
				s.there++
			}
		}
		s.needed = 1
		return s
	}
	for _, id := range s.voters {
		i := slices.IndexFunc(s.answers, func(a view.Answer[view.Node]) bool { return a.ID == id })
		if i >= 0 && s.answers[i].Err == nil {
			s.there++
		}
		if i < 0 { // removed from the lists of members, and still one that decides
			s.answers = append(s.answers, view.Answer[view.Node]{Member: view.Member{ID: id, Name: id}, Err: fault.New(fault.NotFound, "%s", v.w.Cluster.GoneMember)})
		}
	}
	s.needed = majority(len(s.voters))
	s.here = &s.answers[0].Value
	return s
}

// majority is how many of so many members must be there.
func majority(members int) int { return members/2 + 1 }

// few words a small number.
func (v *visit) few(n int) string { return v.w.Number(int64(n)) }

// quorumNotice says in words what the cluster tolerates now.
func (v *visit) quorumNotice(s *quorum) cluster.Notice {
	w, all := &v.w.Cluster, len(s.voters)
	switch {
	case s.here.DatabaseDown != "":
		return cluster.Notice{Kind: "bad", Title: s.here.DatabaseDown, Text: w.DatabaseDown}
	case s.here.Database != "":
		return cluster.Notice{Kind: "good", Title: words.Fill(w.Shared, v.few(s.there), v.few(all), s.here.Database), Text: w.SharedText}
	case s.there < s.needed:
		return cluster.Notice{Kind: "bad", Title: words.Fill(w.NoQuorum, v.few(s.there), v.few(all), v.few(s.needed)), Text: w.NoQuorumText}
	case s.leader == nil && s.here.LeaderID == "":
		return cluster.Notice{Kind: "wait", Title: w.NoLeader, Text: w.NoLeaderText}
	case s.there == s.needed && all > 2 || s.there < all && s.there == s.needed:
		return cluster.Notice{Kind: "wait", Title: words.Fill(w.AtRisk, v.few(s.there), v.few(all), v.few(s.needed)), Text: w.AtRiskText}
	}
	return cluster.Notice{Kind: "good", Title: words.Fill(w.Quorum, v.few(all), v.few(s.needed), v.few(all-s.needed)), Text: w.QuorumText}
}

// clusterAlerts are what a person should look at.
func (v *visit) clusterAlerts(s *quorum) (list []string) {
	w := &v.w.Cluster
	for _, d := range v.Nodes.Differences() {
		list = append(list, words.Fill(w.AlertDiffers, d.Name, v.w.Number(int64(d.Revision))))
	}
	for i := range s.answers {
		a := &s.answers[i]
		if a.Err != nil {
			list = append(list, words.Fill(w.AlertAway, a.Name))
		} else if n := s.lag(&a.Value); n >= lagShown {
			list = append(list, words.Fill(w.AlertBehind, a.Name, v.w.Number(int64(n))))
		}
	}
	return list
}

// lag is how many entries a node is behind the leader.
func (s *quorum) lag(n *view.Node) uint64 {
	if s.leader == nil || n.AppliedIndex >= s.leader.CommitIndex {
		return 0
	}
	return s.leader.CommitIndex - n.AppliedIndex
}

// memberCard describes a node.
func (v *visit) memberCard(s *quorum, a *view.Answer[view.Node]) cluster.Node {
	w := &v.w.Cluster
	if a.Err != nil {
		out := cluster.Node{Name: a.Name, State: parts.State{Kind: "bad", Text: w.Unreachable}, Facts: []parts.Fact{{Name: w.ID, Value: a.ID, Mono: true, CopyAs: a.ID}}}
		if ms := reachSince(s.here, a.ID); ms > 0 {
			out.State.Text = words.Fill(w.UnreachableFor, v.since(ms))
		}
		out.Facts = append(out.Facts, parts.Fact{Name: w.Why, Value: fault.TextOf(a.Err)}, parts.Fact{Name: w.Contact, Value: v.contact(s, a.ID)})
		out.Actions = v.memberActions(s, a)
		return out
	}
	n := &a.Value
	index := func(i uint64) string { return v.w.Number(int64(i)) }
	roles := map[string]string{"leader": w.Leader, "follower": w.Follower, "candidate": w.Candidate, "starting": w.Starting}
	out := cluster.Node{Name: a.Name, This: a.Here, Leader: n.Leader && v.Nodes.Others != nil, Role: roles[n.State], State: parts.State{Kind: "good", Text: w.Ready}}
	if v.Nodes.Others == nil {
		out.Name = n.ID
	} else if len(s.voters) > 0 && !slices.Contains(s.voters, n.ID) {
		out.Role = w.NonVoter
	}
	if n.NotReady != "" {
		out.State = parts.State{Kind: "bad", Text: w.NotReady + ": " + n.NotReady}
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
		{Label: w.Uptime, Value: v.w.Time.For(time.Duration(n.NowMs-n.StartedMs) * time.Millisecond)},
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
		{Name: w.Version, Value: n.Version},
		{Name: w.Storage, Value: w.StorageText},
		{Name: w.LastContact, Value: v.contact(s, n.ID)},
	}
	if v.Nodes.Others != nil {
		lag := parts.Fact{Name: w.Lag, Value: w.LagNone, Title: w.LagNote}
		if s.leader == nil {
			lag.Value = w.Unknown
		} else if behind := s.lag(n); behind > 0 {
			lag.Value = words.Fill(w.LagEntries, index(behind))
		}
		clients := v.w.Number(int64(n.Clients.GRPCClients + n.Clients.HTTPClients))
		out.Facts = append(out.Facts, lag, parts.Fact{Name: w.Sum, Value: v.sameSum(s, a), Title: w.SumNote}, parts.Fact{Name: w.Clients, Value: clients})
	}
	if n.Database != "" { // there is no log
		out.Facts[3].Value = words.Fill(v.w.Home.StorageMySQL, n.Database)
		out.Facts = slices.Delete(out.Facts, 4, 5) // nobody leads, so nobody hears of the others
		out.Facts = append(out.Facts, parts.Fact{Name: w.Revision, Value: index(n.Revision)}, parts.Fact{Name: w.Configs, Value: v.w.Number(n.Configs)})
		out.Actions = v.memberActions(s, a)
		return out
	}
	out.Facts = append(out.Facts,
		parts.Fact{Name: w.Committed, Value: index(n.CommitIndex), Title: w.CommittedNote},
		parts.Fact{Name: w.Applied, Value: index(n.AppliedIndex), Title: w.AppliedNote},
		parts.Fact{Name: w.Written, Value: index(n.WrittenIndex), Title: w.WrittenNote},
		parts.Fact{Name: w.Log, Value: v.w.Size(int64(n.LogBytes)) + " · " + words.Fill(w.LogEntries, index(n.LastLog))},
		parts.Fact{Name: w.Snapshot, Value: snapshot},
		parts.Fact{Name: w.Database, Value: v.w.Size(int64(n.ImageBytes))},
		parts.Fact{Name: w.Revision, Value: index(n.Revision)},
		parts.Fact{Name: w.Configs, Value: v.w.Number(n.Configs)},
	)
	out.Actions = v.memberActions(s, a)
	return out
}

// reachSince is since when a node does not reach another one, in ms since 1970; 0 where it does, or does not know.
func reachSince(n *view.Node, id string) int64 {
	for _, r := range n.Reaches {
		if r.ID == id && !r.OK {
			return r.SinceMs
		}
	}
	return 0
}

// contact says when the leader heard of a node last.
func (v *visit) contact(s *quorum, id string) string {
	w := &v.w.Cluster
	if s.leader == nil && v.Nodes.Others == nil || s.leader != nil && s.leader.ID == id {
		return w.Itself
	}
	if s.leader != nil {
		for _, x := range s.leader.Servers {
			if x.ID == id && x.ContactMs >= 0 {
				return words.Fill(w.ContactAgo, v.w.Time.For(time.Duration(x.ContactMs)*time.Millisecond))
			}
		}
		return w.ContactNever
	}
	return w.NoLeader
}

// sameSum says whether a node has the same configurations as this one.
func (v *visit) sameSum(s *quorum, a *view.Answer[view.Node]) string {
	w := &v.w.Cluster
	revision, same, found := s.here.Sums.Compare(a.Value.Sums)
	sum := strconv.FormatUint(a.Value.Sums.Now.Sum, 16)
	switch {
	case !found:
		return sum + " · " + w.SumOther
	case !same:
		return sum + " · " + words.Fill(w.SumDiffers, v.w.Number(int64(revision)))
	case a.Here:
		return sum
	}
	return sum + " · " + words.Fill(w.SumSame, v.w.Number(int64(revision)))
}

// memberActions are what can be done with a member.
func (v *visit) memberActions(s *quorum, a *view.Answer[view.Node]) (list []parts.Confirm) {
	if v.Operator == nil {
		return nil
	}
	w := &v.w.Cluster
	voter := slices.Contains(s.voters, a.ID)
	form := parts.Confirm{Hidden: [][2]string{{"id", a.ID}}, CSRF: v.csrf(), Words: &v.w.Parts}
	if voter && a.Err == nil && !a.Value.Leader && s.leader != nil {
		t := form
		t.ID, t.Calm, t.Action, t.Button = "transfer-"+a.ID, true, pathTransferLeader, w.Transfer
		t.Title, t.Text = words.Fill(w.TransferTitle, a.Name), w.TransferText
		list = append(list, t)
	}
	if len(s.voters) > 1 && s.leader != nil {
		r := form
		r.ID, r.Action, r.Button, r.Title = "remove-"+a.ID, pathRemoveMember, w.Remove, words.Fill(w.RemoveTitle, a.Name)
		left, there, needed := s.without(a.ID)
		r.Text = words.Fill(w.RemoveText, v.few(left), v.few(needed), v.few(left-needed))
		if there < needed {
			r.Text += " " + words.Fill(w.RemoveBelow, v.few(there), v.few(needed))
			r.Typed = a.Name
		}
		list = append(list, r)
	}
	return list
}

// without says what is left when a member is removed: how many decide, how many of them are there, how many are needed.
func (s *quorum) without(id string) (left, there, needed int) {
	left, there = len(s.voters), s.there
	if slices.Contains(s.voters, id) {
		left--
		if slices.ContainsFunc(s.answers, func(a view.Answer[view.Node]) bool { return a.ID == id && a.Err == nil }) {
			there--
		}
	}
	return left, there, majority(left)
}

// matrix shows who reaches whom. Of nodes that do not answer it is not known.
func (v *visit) matrix(s *quorum) *cluster.Matrix {
	w := &v.w.Cluster
	m := &cluster.Matrix{}
	for i := range s.answers {
		from := &s.answers[i]
		m.Columns = append(m.Columns, from.Name)
		row := cluster.Row{Name: from.Name}
		for j := range s.answers {
			cell := cluster.Cell{Self: i == j, State: parts.State{Kind: "off", Text: w.Unknown}}
			if k := slices.IndexFunc(from.Value.Reaches, func(r view.Reach) bool { return r.ID == s.answers[j].ID }); k >= 0 && from.Err == nil {
				r := from.Value.Reaches[k]
				if cell.State = (parts.State{Kind: "good", Text: words.Fill(w.Reached, millis(r.Micros))}); !r.OK {
					cell.State = parts.State{Kind: "bad", Text: w.NotReached}
					cell.Note = words.Fill(w.MatrixSince, v.w.Time.For(time.Duration(from.Value.NowMs-r.SinceMs)*time.Millisecond))
				}
			}
			row.Cells = append(row.Cells, cell)
		}
		m.Rows = append(m.Rows, row)
	}
	return m
}

// millis words µs as ms, as exactly as one wants to read it.
func millis(micros int64) string {
	if micros < 10_000 {
		return strconv.FormatFloat(float64(micros)/1000, 'f', 1, 64)
	}
	return strconv.FormatInt(micros/1000, 10)
}

// member returns the name of the member that the form names, and what removing it leaves.
func (v *visit) member() (id, name string, s *quorum, err error) {
	id, s = v.c.FormValue("id"), v.quorum()
	i := slices.IndexFunc(s.answers, func(a view.Answer[view.Node]) bool { return a.ID == id })
	if i < 0 {
		return "", "", nil, fault.New(fault.NotFound, "%s", v.w.Cluster.RemoveUnknown)
	}
	return id, s.answers[i].Name, s, nil
}

func (v *visit) transferLeader() error {
	id, name, _, err := v.member()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(v.c.UserContext(), operateFor)
	defer cancel()
	if err := v.Operator.Transfer(ctx, id); err != nil {
		return err
	}
	v.Log.Info("leadership was handed over from the console", "to", name, "id", id, "user", v.user.Name)
	return v.done(pathCluster, words.Fill(v.w.Cluster.Transferred, name), "")
}

// removeMember removes one. Where too few would be left to decide, its name must be typed, whatever the page said when it was made.
func (v *visit) removeMember() error {
	id, name, s, err := v.member()
	if err != nil {
		return err
	}
	_, there, needed := s.without(id)
	below := there < needed
	if below && strings.TrimSpace(v.c.FormValue("typed")) != name {
		return fault.New(fault.Invalid, "%s", words.Fill(v.w.Parts.TypeToConfirm, name))
	}
	ctx, cancel := context.WithTimeout(v.c.UserContext(), operateFor)
	defer cancel()
	if err := v.Operator.Remove(ctx, id, below); err != nil {
		return err
	}
	v.Log.Info("a member was removed from the console", "member", name, "id", id, "belowQuorum", below, "user", v.user.Name)
	return v.done(pathCluster, words.Fill(v.w.Cluster.Removed, name), "")
}

// readOnly says that too few members are there for writes, "" where there are enough. It does not ask them.
func (v *visit) readOnly() string {
	if v.Nodes.Others == nil {
		return ""
	}
	n := v.Nodes.Here()
	there, needed := 1, majority(len(n.Voters))
	for _, r := range n.Reaches {
		if r.OK && slices.Contains(n.Voters, r.ID) {
			there++
		}
	}
	if n.LeaderID != "" || there >= needed {
		return ""
	}
	return words.Fill(v.w.Cluster.ReadOnly, v.few(there), v.few(len(n.Voters)), v.few(needed))
}
