package console

import (
	"encoding/json"
	"net/url"
	"strings"

	"nacre/views/parts"
)

// line is a figure that a chart shows: its name in the series, and what it is called.
type line struct{ name, text string }

// charts returns the charts of these names, over the range that the query's range says.
func (v *visit) charts(names ...string) []parts.Chart {
	w := &v.w.Home
	all := map[string]struct {
		title string
		lines []line
	}{
		"traffic": {w.ChartTraffic, []line{{"publishes", w.LinePublishes}, {"reads", w.LineReads}}},
		"latency": {w.ChartLatency, []line{{"publish_p50", w.LinePublishP50}, {"publish_p99", w.LinePublishP99}}},
		"push":    {w.ChartPush, []line{{"push_p99", w.LinePushP99}}},
		"clients": {w.ChartClients, []line{{"clients", w.LineClients}, {"behind", w.LineBehind}}},
		"memory":  {w.ChartMemory, []line{{"rss", w.LineRSS}, {"heap", w.LineHeap}}},
		"fsync":   {w.ChartFsync, []line{{"fsync_p99", w.LineFsyncP99}}},
	}
	list := make([]parts.Chart, len(names))
	for i, name := range names {
		c := all[name]
		ids, labels := make([]string, len(c.lines)), make(map[string]string, len(c.lines))
		for j, l := range c.lines {
			ids[j], labels[l.name] = l.name, l.text
		}
		text, _ := json.Marshal(labels) // strings always can be
		list[i] = parts.Chart{
			Title: c.title, Labels: string(text), Table: w.Table, Max: w.ChartMax, Time: w.ChartTime, Empty: w.ChartEmpty, Failed: w.ChartFailed,
			URL: "/nacre/v1/series?" + v.seriesQuery(ids),
		}
	}
	return list
}

// chartRange is how far back charts look.
func (v *visit) chartRange() string {
	switch r := v.c.Query("range"); r {
	case "1h", "24h":
		return r
	}
	return "15m"
}

// ranges are the ways from a page, of which address is without that of the range, to the same with another range.
func (v *visit) ranges(address string) []parts.Tab {
	w := &v.w.Home
	var tabs []parts.Tab
	for _, r := range []struct{ value, text string }{{"15m", w.Range15m}, {"1h", w.Range1h}, {"24h", w.Range24}} {
		tabs = append(tabs, parts.Tab{Href: address + "range=" + r.value, Text: r.text, Current: v.chartRange() == r.value})
	}
	return tabs
}

// longBehind counts the clients that have not confirmed a change for more than a minute.
func (v *visit) longBehind() int { return v.Nodes.LongBehind(v.c.UserContext(), 60_000) }

// seriesQuery asks for figures by name, of the node that the query names.
func (v *visit) seriesQuery(names []string) string {
	q := url.Values{"range": {v.chartRange()}, "names": {strings.Join(names, ",")}}
	if id := v.c.Query("node"); id != "" {
		q.Set("node", id)
	}
	return q.Encode()
}
