package console

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"nacre/server/config"
	"nacre/server/config/delivery"
	"nacre/server/fault"
	"nacre/server/resource"
	"nacre/server/view"
	"nacre/views/home"
	"nacre/views/parts"
	"nacre/views/words"
)

func (v *visit) home() error {
	w := &v.w.Home
	stats := v.Configs.Stats()
	latest, today := v.glance.look(v)
	d, q := v.clientsNow()
	m := home.Model{
		Page: v.frame(w.Title, pathHome), Words: w, Empty: stats.Configs+stats.Grays == 0, NewHref: pathNew + "?ns=" + resource.DefaultNamespace,
		Steps: v.steps(w, origin(v.c, v.Settings.HTTPAddr)), Facts: v.facts(), Alerts: v.alerts(q), Figures: v.figures(stats, today, d), Latest: latest,
		Ranges: v.ranges(pathHome + "?"), Charts: v.charts("traffic", "latency", "push", "clients", "memory", "fsync"),
	}
	if err := v.Ready(); err != nil {
		m.Status, m.StatusText = w.NotReady, fault.TextOf(err)
	} else {
		m.Status, m.Ready = w.Ready, true
		m.StatusText = words.Fill(w.State, v.role(), v.w.Number(int64(d.GRPCClients+d.HTTPClients)), v.w.Number(int64(d.Behind)))
	}
	if q != nil {
		v.clusterStatus(&m, q, d)
	}
	m.Links = append(m.Links, home.Link{Href: "/readyz", Text: w.LookReady})
	if v.Settings.Metrics {
		m.Links = append(m.Links, home.Link{Href: "/metrics", Text: w.LookMetrics})
	}
	m.Links = append(m.Links,
		home.Link{Href: "/nacre/openapi.json", Text: w.LookAPI},
		home.Link{Href: "/nacos/v3/console/server/state", Text: w.LookState})
	return v.render(home.Page(m))
}

// figures are the tiles. Today is how many changes there were in 24 hours, below 0 when that can't be read.
func (v *visit) figures(stats config.Stats, today int64, d delivery.Summary) []parts.Figure {
	w := &v.w.Home
	done := v.Configs.WriteStats()
	behind := parts.Figure{Label: w.Behind, Value: v.w.Number(int64(d.Behind)), Note: w.BehindNone, Href: pathClients}
	if d.Behind > 0 {
		behind.Note, behind.Bad, behind.Href = w.BehindNote, true, pathClients+"?state="+stateBehind
	}
	changes := parts.Figure{Label: w.Today, Value: v.w.Number(today), Note: words.Fill(w.TodayNote, v.w.Number(int64(done.Published+done.Removed))), Href: pathFeed}
	if today < 0 {
		changes.Value, changes.Note, changes.Bad = "–", w.TodayUnknown, true
	}
	return []parts.Figure{
		{Label: w.Configs, Value: v.w.Number(stats.Configs), Href: pathConfigs, Note: v.w.Size(stats.Bytes)},
		{Label: w.Namespaces, Value: v.w.Number(int64(v.Namespaces.Len()) + 1), Href: pathNamespaces}, // the default one is not counted
		{Label: w.Clients, Value: v.w.Number(int64(d.GRPCClients + d.HTTPClients)), Href: pathClients, Note: words.Fill(w.ClientsNote, v.w.Number(int64(d.Listenings)))},
		behind,
		changes,
	}
}

// lowDisk is the free share of the disk in percent below which one is warned.
const lowDisk = 15

// clientsNow counts the clients of all nodes that answer, and says how the cluster stands; q is nil for a node that runs alone.
func (v *visit) clientsNow() (d delivery.Summary, q *quorum) {
	if v.Nodes.Others == nil {
		return v.Delivery.Summary(), nil
	}
	q = v.quorum()
	for i := range q.answers {
		if a := &q.answers[i]; a.Err == nil {
			c := &a.Value.Clients
			d.GRPCClients, d.HTTPClients, d.Listenings = d.GRPCClients+c.GRPCClients, d.HTTPClients+c.HTTPClients, d.Listenings+c.Listenings
			d.Behind += c.Behind
		}
	}
	return d, q
}

// clusterStatus says in one line how the cluster is.
func (v *visit) clusterStatus(m *home.Model, q *quorum, d delivery.Summary) {
	w := &v.w.Cluster
	if n := v.quorumNotice(q); n.Kind == "bad" {
		m.Status, m.StatusText, m.Ready = n.Title+".", n.Text, false
		return
	}
	if !m.Ready {
		return
	}
	leader := w.StatusNoLeader
	if q.leader != nil {
		leader = q.leader.HTTPAddr
	}
	m.Ready = q.leader != nil && q.there == len(q.voters)
	m.StatusText = words.Fill(w.StatusOne, v.few(q.there), v.few(len(q.voters)), leader, v.w.Number(int64(d.GRPCClients+d.HTTPClients)), v.w.Number(int64(d.Behind)))
}

// alerts are what a person should look at; q is how the cluster stands, nil for a node that runs alone.
func (v *visit) alerts(q *quorum) []string {
	w := &v.w.Home
	var list []string
	if q != nil {
		if q.there == q.needed && len(q.voters) > q.there {
			list = append(list, words.Fill(v.w.Cluster.AlertRisk, v.few(q.there), v.few(q.needed)))
		}
		list = append(list, v.clusterAlerts(q)...)
	}
	if n := v.node(); n.DiskTotal > 0 {
		if share := n.DiskFree * 100 / n.DiskTotal; share < lowDisk {
			list = append(list, words.Fill(w.AlertDisk, v.w.Size(int64(n.DiskFree)), fmt.Sprintf("%d %%", share)))
		}
	}
	if n := v.longBehind(); n > 0 {
		list = append(list, words.Fill(w.AlertBehind, v.w.Number(int64(n))))
	}
	if v.Settings.Insecure {
		list = append(list, w.AlertInsecure)
	}
	return list
}

// node is how this node is.
func (p *pages) node() view.Node { return p.Nodes.Here() }

// role says what part this node has.
func (v *visit) role() string {
	if v.node().Leader {
		return v.w.Home.Leader
	}
	return v.w.Home.Follower
}

// mode says whether the node runs alone.
func (v *visit) mode() string {
	if v.Nodes.Others == nil {
		return v.w.Home.Standalone
	}
	return v.w.Cluster.Title
}

func (v *visit) facts() []parts.Fact {
	w := &v.w.Home
	storage := []parts.Fact{{Name: w.Storage, Value: w.StorageSQLite}, {Name: w.Durability, Value: w.DurabilityFsync}}
	if n := v.Nodes.Here(); n.Database != "" {
		state := w.ReachableYes
		if n.DatabaseDown != "" {
			state = w.Gone
		}
		storage = []parts.Fact{
			{Name: w.Storage, Value: words.Fill(w.StorageMySQL, n.Database)}, {Name: w.Durability, Value: w.DurabilityMySQL},
			{Name: w.Reachable, Value: words.Fill(state, v.w.Time.For(v.now.Sub(time.UnixMilli(n.DatabaseSinceMs)))), Title: v.moment(n.DatabaseSinceMs).At},
		}
	}
	return append([]parts.Fact{
		{Name: w.Version, Value: v.Version},
		{Name: w.Running, Value: v.w.Time.For(v.now.Sub(v.Started))},
		{Name: w.Mode, Value: v.mode()},
		{Name: w.Role, Value: v.role()},
	}, storage...)
}

// latestShown is how many of the latest changes the page shows.
const latestShown = 10

// change is one of the latest changes.
type change struct {
	revision uint64
	key      config.Key
	ms       int64
	user, ip string
}

// glance remembers what takes a while to find, so that pages which are read anew every few seconds cost little.
type glance struct {
	mu       sync.Mutex
	revision uint64
	at       time.Time
	latest   []change
	today    int64
}

// glanceLife is how long the count of the last day holds while nothing changes.
const glanceLife = time.Minute

// look returns the latest changes, and how many there were in 24 hours: below 0 when that can't be read now.
func (g *glance) look(v *visit) ([]home.Change, int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := v.Configs.Revision(); g.at.IsZero() || now != g.revision || v.now.Sub(g.at) > glanceLife || g.today < 0 {
		today, err := v.Configs.ChangesSince(v.c.UserContext(), v.now.Add(-24*time.Hour).UnixMilli())
		if err != nil {
			v.Log.Warn("the changes of the last day can't be counted", "error", err)
			today = -1
		}
		g.revision, g.at, g.latest, g.today = now, v.now, newest(v.Configs, latestShown), today
	}
	rows := make([]home.Change, len(g.latest))
	for i, c := range g.latest {
		rows[i] = home.Change{
			DataID: c.key.DataID, Group: c.key.Group, Namespace: v.namespaceName(c.key.Namespace), Href: configURL(c.key, tabContent),
			When: v.moment(c.ms), By: v.who(c.user, c.ip),
		}
	}
	return rows, g.today
}

// newest finds the configurations with the highest revisions, at most most. It looks at all of them, which takes
// some 10 ms for 100,000.
func newest(configs *config.Service, most int) []change {
	list := make([]change, 0, most+1)
	configs.Each(func(k config.Key, it *config.Item) bool {
		c := change{key: k}
		if e := it.Formal; e != nil {
			c.revision, c.ms, c.user, c.ip = e.Revision, e.ModifiedMs, e.SrcUser, e.SrcIP
		}
		for _, g := range it.Grays {
			if g.Revision > c.revision {
				c.revision, c.ms, c.user, c.ip = g.Revision, g.ModifiedMs, g.SrcUser, g.SrcIP
			}
		}
		if len(list) == most && c.revision < list[most-1].revision {
			return true
		}
		at, _ := slices.BinarySearchFunc(list, c.revision, func(held change, revision uint64) int {
			return cmp.Compare(revision, held.revision)
		})
		list = slices.Insert(list, at, c)
		list = list[:min(len(list), most)]
		return true
	})
	return list
}

// firstDataID is what the first configuration is called that a new server's pages show how to make.
const firstDataID = "hello.properties"

// steps are commands that work when they are copied into a shell. Where the old API is switched off
// they use the new one, in which listening is a matter of gRPC.
func (p *pages) steps(w *words.Home, at string) []home.Step {
	const dataID, group, content = firstDataID, resource.DefaultGroup, "greeting=hello"
	if !p.Settings.APICompatClient {
		return []home.Step{
			{Title: w.StepPublish, Text: w.StepPublishText, Answer: `{"code":0,"message":"success","data":true}`,
				Command: fmt.Sprintf("curl -X POST '%s/nacos/v3/admin/cs/config' \\\n  -d 'dataId=%s&groupName=%s' \\\n  --data-urlencode 'content=%s'", at, dataID, group, content)},
			{Title: w.StepRead, Text: w.StepReadText, Answer: `{"code":0,…,"content":"` + content + `",…}`,
				Command: fmt.Sprintf("curl -G '%s/nacos/v3/client/cs/config' \\\n  -d 'dataId=%s&groupName=%s'", at, dataID, group)},
		}
	}
	return []home.Step{
		{Title: w.StepPublish, Text: w.StepPublishText, Answer: "true",
			Command: fmt.Sprintf("curl -X POST '%s/nacos/v1/cs/configs' \\\n  -d 'dataId=%s&group=%s' \\\n  --data-urlencode 'content=%s'", at, dataID, group, content)},
		{Title: w.StepRead, Text: w.StepReadText, Answer: content,
			Command: fmt.Sprintf("curl -G '%s/nacos/v1/cs/configs' \\\n  -d 'dataId=%s&group=%s'", at, dataID, group)},
		{Title: w.StepWait, Text: w.StepWaitText, Answer: fmt.Sprintf("%s%%02%s%%01", dataID, group),
			Command: fmt.Sprintf("curl -X POST '%s/nacos/v1/cs/configs/listener' \\\n  -H 'Long-Pulling-Timeout: 30000' \\\n  -d 'Listening-Configs=%s%%02%s%%02%s%%01'",
				at, dataID, group, config.MD5([]byte(content)))},
	}
}
