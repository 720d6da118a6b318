package console

import (
	"fmt"
	"net/url"
	"slices"
	"time"

	"nacre/server/config"
	"nacre/server/fault"
	"nacre/server/resource"
	"nacre/views/home"
	"nacre/views/parts"
	"nacre/views/words"
)

func (v *visit) home() error {
	w := v.w
	stats := v.Configs.Stats()
	at := origin(v.c, v.Settings.HTTPAddr)
	m := home.Model{
		Page:  v.frame(w.Home.Title, pathHome),
		Words: &w.Home,
		Empty: stats.Configs+stats.Grays == 0,
		Steps: v.steps(&w.Home, at),
		Facts: v.facts(w, v.now),
	}
	m.Status, m.StatusText, m.Ready = w.Home.Ready, fmt.Sprintf(w.Home.ReadyText, at), true
	if err := v.Ready(); err != nil {
		m.Status, m.StatusText, m.Ready = w.Home.NotReady, fault.TextOf(err), false
	}
	m.Figures = v.figures(w, stats)
	if !m.Empty {
		m.Latest = v.latest(w, v.now)
	}
	m.Links = append(m.Links, home.Link{Href: "/readyz", Text: w.Home.LookReady})
	if v.Settings.Metrics {
		m.Links = append(m.Links, home.Link{Href: "/metrics", Text: w.Home.LookMetrics})
	}
	m.Links = append(m.Links,
		home.Link{Href: "/nacre/openapi.json", Text: w.Home.LookAPI},
		home.Link{Href: "/nacos/v3/console/server/state", Text: w.Home.LookState})
	return v.render(home.Page(m))
}

func (p *pages) figures(w *words.Words, stats config.Stats) []parts.Figure {
	h := &w.Home
	d := p.Delivery.Summary()
	listening := parts.Figure{Label: h.Listening, Value: w.Number(int64(d.GRPCClients + d.HTTPClients))}
	if d.Listenings > 0 {
		listening.Note = fmt.Sprintf(h.ListeningNote, w.Number(int64(d.Listenings)))
	}
	done := p.Configs.WriteStats()
	writes := parts.Figure{Label: h.Writes, Value: w.Number(int64(done.Published + done.Removed))}
	if p.Node != nil && done.Published+done.Removed > 0 {
		writes.Note = fmt.Sprintf(h.WritesNote, w.Number(int64(p.Node().Fsyncs)))
	}
	return []parts.Figure{
		{Label: h.Configs, Value: w.Number(stats.Configs), Href: pathConfigs},
		{Label: h.Namespaces, Value: w.Number(int64(p.Namespaces.Len()) + 1), Href: pathNamespaces}, // the default one is not counted
		listening,
		writes,
	}
}

func (p *pages) facts(all *words.Words, now time.Time) []parts.Fact {
	w := &all.Home
	facts := []parts.Fact{
		{Name: w.Version, Value: p.Version},
		{Name: w.Running, Value: all.Time.For(now.Sub(p.Started))},
		{Name: w.Mode, Value: w.Standalone},
	}
	if p.Node != nil {
		role := w.Follower
		if p.Node().Leader {
			role = w.Leader
		}
		facts = append(facts, parts.Fact{Name: w.Role, Value: role})
	}
	return append(facts,
		parts.Fact{Name: w.Storage, Value: w.StorageSQLite},
		parts.Fact{Name: w.Durability, Value: w.DurabilityFsync},
		parts.Fact{Name: w.Login, Value: w.LoginOff})
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
