package console

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"nacre/server/clock"
	"nacre/server/config"
	"nacre/server/fault"
	"nacre/server/namespace"
	"nacre/server/resource"
	"nacre/server/settings"
	"nacre/static"
	"nacre/views/home"
	"nacre/views/words"
)

// Deps are what the console needs of the server. All but Node are required.
type Deps struct {
	Configs    *config.Service
	Namespaces *namespace.Service
	Settings   settings.Settings
	Clock      clock.Clock
	// Started is when the server started.
	Started time.Time
	// Version is Nacre's own.
	Version string
	// Ready returns nil, or a fault whose text says why the node is not ready. It must not block.
	Ready func() error
	// Listening returns how many clients are connected or poll, and the pairs of client and configuration that they listen
	// for; nil when nobody can.
	Listening func() (clients, listenings int64)
	// Node returns what is known of the node's part in storing; nil leaves it out. It must not block.
	Node func() Node
}

// Node is a node's part in storing.
type Node struct {
	// Leader says whether this node decides on writes.
	Leader bool
	// Fsyncs is how often the journal was synced to disk since the start.
	Fsyncs uint64
}

// Register puts the console's routes on r, which must be the root of the server. The page is served
// at Nacos' own address too, where load balancers look for a 200.
func Register(r fiber.Router, d Deps) {
	p := &pages{Deps: d}
	for _, path := range []string{"/", "/nacos", "/nacos/", "/nacos/index.html"} {
		r.Get(path, p.home)
	}
	r.Get(static.Prefix+":name", serveStatic)
}

type pages struct{ Deps }

func (p *pages) home(c *fiber.Ctx) error {
	w := wordsOf(c)
	now := p.Clock.Now()
	stats := p.Configs.Stats()
	at := origin(c, p.Settings.HTTPAddr)
	m := home.Model{
		Page:  frame(w, w.Home.Title, p.Version),
		Words: &w.Home,
		Empty: stats.Configs+stats.Grays == 0,
		Steps: p.steps(&w.Home, at),
		Facts: p.facts(w, now),
	}
	m.Status, m.StatusText, m.Ready = w.Home.Ready, fmt.Sprintf(w.Home.ReadyText, at), true
	if err := p.Ready(); err != nil {
		m.Status, m.StatusText, m.Ready = w.Home.NotReady, fault.TextOf(err), false
	}
	if p.Settings.Insecure {
		m.Insecure = fmt.Sprintf(w.Home.InsecureText, p.Settings.HTTPAddr)
	}
	m.Figures = p.figures(&w.Home, stats)
	if !m.Empty {
		m.Latest = p.latest(w, now)
	}
	m.Links = append(m.Links, home.Link{Href: "/readyz", Text: w.Home.LookReady})
	if p.Settings.Metrics {
		m.Links = append(m.Links, home.Link{Href: "/metrics", Text: w.Home.LookMetrics})
	}
	m.Links = append(m.Links,
		home.Link{Href: "/nacre/openapi.json", Text: w.Home.LookAPI},
		home.Link{Href: "/nacos/v3/console/server/state", Text: w.Home.LookState})
	return render(c, home.Page(m))
}

func (p *pages) figures(w *words.Home, stats config.Stats) []home.Figure {
	var clients, listenings int64
	if p.Listening != nil {
		clients, listenings = p.Listening()
	}
	listening := home.Figure{Label: w.Listening, Value: number(clients)}
	if clients > 0 {
		listening.Note = fmt.Sprintf(w.ListeningNote, number(listenings))
	}
	done := p.Configs.WriteStats()
	writes := home.Figure{Label: w.Writes, Value: number(int64(done.Published + done.Removed))}
	if p.Node != nil && done.Published+done.Removed > 0 {
		writes.Note = fmt.Sprintf(w.WritesNote, number(int64(p.Node().Fsyncs)))
	}
	return []home.Figure{
		{Label: w.Configs, Value: number(stats.Configs)},
		{Label: w.Namespaces, Value: number(int64(p.Namespaces.Len()) + 1)}, // the default one is not counted
		listening,
		writes,
	}
}

func (p *pages) facts(all *words.Words, now time.Time) []home.Fact {
	w := &all.Home
	facts := []home.Fact{
		{Name: w.Version, Value: p.Version},
		{Name: w.Running, Value: all.Time.For(now.Sub(p.Started))},
		{Name: w.Mode, Value: w.Standalone},
	}
	if p.Node != nil {
		role := w.Follower
		if p.Node().Leader {
			role = w.Leader
		}
		facts = append(facts, home.Fact{Name: w.Role, Value: role})
	}
	return append(facts,
		home.Fact{Name: w.Storage, Value: w.StorageSQLite},
		home.Fact{Name: w.Durability, Value: w.DurabilityFsync},
		home.Fact{Name: w.Login, Value: w.LoginOff})
}

// latestShown is how many of the latest changes the page shows.
const latestShown = 6

// latest finds the configurations with the highest revisions. It looks at all of them, which takes
// some 10 ms for 100,000.
func (p *pages) latest(w *words.Words, now time.Time) []home.Change {
	type change struct {
		revision uint64
		key      config.Key
		ms       int64
		user, ip string
	}
	newest := make([]change, 0, latestShown+1)
	p.Configs.Each(func(k config.Key, it *config.Item) bool {
		c := change{key: k}
		if e := it.Formal; e != nil {
			c.revision, c.ms, c.user, c.ip = e.Revision, e.ModifiedMs, e.SrcUser, e.SrcIP
		}
		for _, g := range it.Grays {
			if g.Revision > c.revision {
				c.revision, c.ms, c.user, c.ip = g.Revision, g.ModifiedMs, g.SrcUser, g.SrcIP
			}
		}
		if len(newest) == latestShown && c.revision < newest[latestShown-1].revision {
			return true
		}
		at, _ := slices.BinarySearchFunc(newest, c.revision, func(held change, revision uint64) int {
			if held.revision > revision {
				return -1
			}
			return 1
		})
		newest = slices.Insert(newest, at, c)
		newest = newest[:min(len(newest), latestShown)]
		return true
	})
	rows := make([]home.Change, len(newest))
	for i, c := range newest {
		at := time.UnixMilli(c.ms)
		rows[i] = home.Change{
			DataID: c.key.DataID, Group: c.key.Group, Namespace: p.namespaceName(c.key.Namespace), Href: p.contentURL(c.key),
			When: w.Time.Ago(now.Sub(at)), At: at.UTC().Format(time.RFC3339), By: c.user,
		}
		if c.user == "" && c.ip != "" {
			rows[i].By = fmt.Sprintf(w.Home.ByAddress, c.ip)
		}
	}
	return rows
}

func (p *pages) namespaceName(id string) string {
	if n := p.Namespaces.Get(id); n != nil && n.Name != "" {
		return n.Name
	}
	return id
}

// contentURL returns the path at which the content can be read.
func (p *pages) contentURL(k config.Key) string {
	if !p.Settings.APICompatClient {
		return "/nacos/v3/client/cs/config?" + url.Values{"dataId": {k.DataID}, "groupName": {k.Group}, "namespaceId": {k.Namespace}}.Encode()
	}
	q := url.Values{"dataId": {k.DataID}, "group": {k.Group}}
	if k.Namespace != resource.DefaultNamespace {
		q.Set("tenant", k.Namespace)
	}
	return "/nacos/v1/cs/configs?" + q.Encode()
}

// steps are commands that work when they are copied into a shell. Where the old API is switched off
// they use the new one, in which listening is a matter of gRPC.
func (p *pages) steps(w *words.Home, at string) []home.Step {
	const dataID, group, content = "hello.properties", resource.DefaultGroup, "greeting=hello"
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

// number writes n with a comma between thousands.
func number(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
