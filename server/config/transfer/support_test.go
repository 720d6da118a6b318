package transfer

import (
	"archive/zip"
	"bytes"
	"context"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"nacre/server/clock"
	"nacre/server/config"
	"nacre/server/journal"
	"nacre/server/resource"
)

// domain is the real service and its decisions, without anything durable beneath.
type domain struct {
	*config.Service
	state    *config.State
	commands int // how many were decided
	largest  int // bytes of the largest
	calls    []int
	notes    []config.Note // of history's rows
}

func newDomain() *domain {
	d := &domain{}
	d.Service, d.state = config.New(clock.NewFixed(time.UnixMilli(1_700_000_000_000)), config.Options{MaxContent: 1 << 20})
	d.Use(d, d)
	return d
}

// Submit implements journal.Journal.
func (d *domain) Submit(_ context.Context, cmd journal.Command) (journal.Result, error) {
	out, changes, err := d.state.Decide(cmd)
	for _, c := range changes {
		if h, ok := c.(config.HistoryAdded); ok {
			d.notes = append(d.notes, h.Row.Note())
		}
	}
	d.commands++
	d.largest = max(d.largest, len(cmd.Body))
	d.calls = append(d.calls, len(out.Items))
	return journal.Result{Index: uint64(d.commands), Outcome: out}, err
}

// List implements the part of config.Queries that transfers use.
func (d *domain) List(_ context.Context, f config.Filter) (config.Page[*config.Entry], error) {
	var page config.Page[*config.Entry]
	d.state.Each(func(k config.Key, it *config.Item) bool {
		e := it.Formal
		ok := e != nil
		if len(f.IDs) > 0 {
			ok = ok && slices.Contains(f.IDs, e.ID)
		} else {
			ok = ok && k.Namespace == f.Namespace && like(f.DataID, k.DataID) && like(f.Group, k.Group) && (f.AppName == "" || f.AppName == e.AppName)
		}
		if ok {
			row := *e
			row.Content = nil
			page.Items = append(page.Items, &row)
		}
		return true
	})
	slices.SortFunc(page.Items, func(a, b *config.Entry) int { return int(a.ID - b.ID) })
	page.Total = len(page.Items)
	return page, nil
}

// like stands in for the pattern of SQL: '_' is one character.
func like(pattern, s string) bool {
	ok, _ := path.Match(strings.ReplaceAll(pattern, "_", "?"), s)
	return pattern == "" || ok
}

func (*domain) History(context.Context, config.Key, string, int, int) (config.Page[*config.History], error) {
	return config.Page[*config.History]{}, nil
}
func (*domain) HistoryRow(context.Context, int64) (*config.History, error)      { return nil, nil }
func (*domain) HistoryPrevious(context.Context, int64) (*config.History, error) { return nil, nil }
func (*domain) HistoryNext(context.Context, *config.History) (*config.History, error) {
	return nil, nil
}
func (*domain) HistoryBetween(context.Context, int64, int64, func(*config.History)) error { return nil }

func (*domain) HistoryOldest(context.Context) (int64, error) { return 0, nil }

func (d *domain) transfers() *Service {
	return New(d, func(ns string) bool { return strings.HasPrefix(ns, "ns") }, Limits{})
}

func (d *domain) publish(t testing.TB, ns, group, dataID, content string) *config.Entry {
	t.Helper()
	app, desc := "app1", "dd"
	_, err := d.Publish(t.Context(), config.Actor{User: "u", IP: "1.1.1.1"}, config.Draft{
		Key: config.Key{Namespace: ns, Group: group, DataID: dataID}, Content: []byte(content), Type: "yaml",
		AppName: &app, Desc: &desc, TagsGiven: true, Tags: []string{"x", "y"}, EncryptedDataKey: "k",
	})
	if err != nil {
		t.Fatal(err)
	}
	return d.entry(ns, group, dataID)
}

func (d *domain) entry(ns, group, dataID string) *config.Entry {
	if it := d.Item(config.Key{Namespace: ns, Group: group, DataID: dataID}); it != nil {
		return it.Formal
	}
	return nil
}

// file is an entry of an archive in the making.
type file struct{ name, content string }

func zipOf(t testing.TB, files ...file) *bytes.Reader {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		w, err := z.Create(f.name)
		if err == nil {
			_, err = w.Write([]byte(f.content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(b.Bytes())
}

func unzip(t testing.TB, b []byte) []file {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	var out []file
	for _, f := range z.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		var c bytes.Buffer
		if _, err := c.ReadFrom(in); err != nil {
			t.Fatal(err)
		}
		out = append(out, file{f.Name, c.String()})
	}
	return out
}

const publicNS = resource.DefaultNamespace
