package transfer

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"

	"nacre/server/config"
	"nacre/server/fault"
)

func TestWhatAnExportHolds(t *testing.T) {
	d := newDomain()
	a := d.publish(t, "ns", "gza", "gz.a.yaml", "a: 1\n")
	if _, err := d.Publish(t.Context(), someone, config.Draft{Key: config.Key{Namespace: "ns", Group: "gzb", DataID: "gz.b"}, Content: []byte("plain 文")}); err != nil {
		t.Fatal(err)
	}
	other := d.publish(t, publicNS, "gza", "gz.a.yaml", "other")
	d.publish(t, "nsdots", "..", "up", "x")
	contents := []file{{"gza/gz.a.yaml", "a: 1\n"}, {"gzb/gz.b", "plain 文"}}
	meta := func(tags string) file {
		return file{".metadata.yml", "metadata:\n- appName: app1\n" + tags + "  dataId: gz.a.yaml\n  desc: dd\n  group: gza\n  type: yaml\n- appName: ''\n  dataId: gz.b\n  group: gzb\n  type: text\n"}
	}
	for _, c := range []struct {
		name    string
		sel     Selection
		form    Form
		want    []file
		leftOut int
	}{
		{"the first form", Selection{Namespace: "ns"}, FormV1, append(contents[:2:2], file{".meta.yml", "gza.gz.a~yaml.app=app1\r\n"}), 0},
		{"the second form", Selection{Namespace: "ns"}, FormV2, append(contents[:2:2], meta("  configTags: x,y\n")), 0},
		{"the form of v3", Selection{Namespace: "ns"}, FormV3, append(contents[:2:2], meta("")), 0},
		{"by dataId", Selection{Namespace: "ns", DataID: "gz.b"}, FormV1, contents[1:], 0},
		{"by pattern", Selection{Namespace: "ns", DataID: "*yaml"}, FormV1, []file{contents[0], {".meta.yml", "gza.gz.a~yaml.app=app1\r\n"}}, 0},
		{"by group, which is no pattern", Selection{Namespace: "ns", Group: "gz_"}, FormV1, nil, 0},
		{"by application", Selection{Namespace: "ns", AppName: "app1"}, FormV3, []file{contents[0], {".metadata.yml", "metadata:\n- appName: app1\n  dataId: gz.a.yaml\n  desc: dd\n  group: gza\n  type: yaml\n"}}, 0},
		{"nothing, first form", Selection{Namespace: "ns", DataID: "none"}, FormV1, nil, 0},
		{"nothing, second form", Selection{Namespace: "ns", DataID: "none"}, FormV2, []file{{".metadata.yml", "metadata: []\n"}}, 0},
		{"by ids, whatever else is said", Selection{Namespace: "none", DataID: "none", IDs: []int64{a.ID, 12345}}, FormV1, []file{contents[0], {".meta.yml", "gza.gz.a~yaml.app=app1\r\n"}}, 0},
		{"the same name in two namespaces", Selection{IDs: []int64{other.ID, a.ID}}, FormV1, []file{contents[0], {".meta.yml", "gza.gz.a~yaml.app=app1\r\n"}}, 1},
		{"a group that would lead out", Selection{Namespace: "nsdots"}, FormV1, nil, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			entries, err := d.transfers().Select(t.Context(), c.sel)
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			left, err := Write(&b, entries, c.form)
			if err != nil || len(left) != c.leftOut {
				t.Fatalf("left out %v, %v", left, err)
			}
			if diff := cmp.Diff(c.want, unzip(t, b.Bytes()), cmp.AllowUnexported(file{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheFileNameHasTheTime(t *testing.T) {
	if got := FileName(time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)); got != "nacos_config_export_20240102030405.zip" {
		t.Error(got)
	}
}

func TestWhatIsExportedIsImportedAgain(t *testing.T) {
	text := rapid.StringOfN(rapid.RuneFrom([]rune("aZ09 _.-:#'\"\\\n\r\t,[]{}&*!|>%@`~=中é\u2028\u0085\u00a0\x7f\x01\U0001F600")), 0, 12, -1)
	word := rapid.OneOf(text, rapid.SampledFrom([]string{"true", "null", "~", "1e3", "0x1F", "2024-01-02", "12:30:45", "- a", "a: b", "no", ".inf", "=", "<<", "? x", "---", "..."}))
	rapid.Check(t, func(t *rapid.T) {
		from, to := newDomain(), newDomain()
		ctx := context.Background()
		n := rapid.IntRange(1, 4).Draw(t, "n")
		for i := range n {
			app := word.Draw(t, "app")
			desc := word.Draw(t, "desc")
			dataID := rapid.StringMatching(`[A-Za-z0-9_:.-]{1,10}`).Filter(func(s string) bool { return !dots(s) }).Draw(t, "dataId")
			draft := config.Draft{
				Key: config.Key{Namespace: "ns", Group: fmt.Sprint("g", i), DataID: dataID}, Content: []byte("x" + text.Draw(t, "content")),
				Type: rapid.SampledFrom([]string{"yaml", "json", "text", "unset"}).Draw(t, "type"), AppName: &app, Desc: &desc,
			}
			if _, err := from.Publish(ctx, someone, draft); err != nil {
				t.Fatal(err)
			}
		}
		entries, err := from.transfers().Select(ctx, Selection{Namespace: "ns"})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if _, err := Write(&b, entries, FormV2); err != nil {
			t.Fatal(err)
		}
		r, err := to.transfers().Import(ctx, someone, ImportRequest{Namespace: "ns", File: bytes.NewReader(b.Bytes()), Size: int64(b.Len()), Policy: config.Abort, MetadataV2: true})
		if err != nil || r.Succeeded != n {
			t.Fatalf("%+v %v", r, err)
		}
		for _, e := range entries {
			got := to.entry("ns", e.Key.Group, e.Key.DataID)
			if got == nil || !bytes.Equal(got.Content, e.Content) || got.Type != e.Type || got.AppName != e.AppName || *got.Desc != *e.Desc {
				t.Fatalf("%+v came back as %+v", e, got)
			}
		}
	})
}

func FuzzScalar(f *testing.F) {
	for _, s := range []string{"", "a", "true", "a: b", "\x00", "中", "1", "-", "'", "\"", "\ufffd", "a #b", " a", "!!str", "a\u2028b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ToValidUTF8(s, "?")
		var back struct{ K yaml.Node }
		if err := yaml.Unmarshal([]byte("k: "+scalar(s)+"\n"), &back); err != nil {
			t.Fatalf("%q is written %s: %v", s, scalar(s), err)
		}
		if back.K.Value != s || back.K.Tag != "!!str" {
			t.Fatalf("%q is written %s and read %q (%s)", s, scalar(s), back.K.Value, back.K.Tag)
		}
	})
}

func TestClones(t *testing.T) {
	for _, c := range []struct {
		name   string
		ns     string
		picks  func(id int64) []Pick
		policy config.IfPresent
		twice  bool
		want   Report
		code   fault.Code
		kind   fault.Kind
		made   string
	}{
		{name: "with a new name", ns: "ns2", picks: func(id int64) []Pick { return []Pick{{id, Name{"g2", "new"}}} }, want: Report{Succeeded: 1}, made: "g2/new"},
		{name: "keeping the name", ns: "ns2", picks: func(id int64) []Pick { return []Pick{{ID: id}} }, want: Report{Succeeded: 1}, made: "g/a.yaml"},
		{name: "into the default namespace", ns: publicNS, picks: func(id int64) []Pick { return []Pick{{ID: id}} }, want: Report{Succeeded: 1}, made: "g/a.yaml"},
		{name: "an id twice", ns: "ns2", picks: func(id int64) []Pick { return []Pick{{ID: id}, {id, Name{"x", "x"}}} }, want: Report{Succeeded: 1}, made: "g/a.yaml"},
		{name: "again, abort", ns: "ns2", twice: true, picks: func(id int64) []Pick { return []Pick{{ID: id}} }, policy: config.Abort, want: Report{Failed: []Failure{{Name: Name{"g", "a.yaml"}}}}, made: "g/a.yaml"},
		{name: "again, skip", ns: "ns2", twice: true, picks: func(id int64) []Pick { return []Pick{{ID: id}} }, policy: config.Skip, want: Report{Skipped: []Name{{"g", "a.yaml"}}}, made: "g/a.yaml"},
		{name: "again, overwrite", ns: "ns2", twice: true, picks: func(id int64) []Pick { return []Pick{{ID: id}} }, policy: config.Overwrite, want: Report{Succeeded: 1}, made: "g/a.yaml"},
		{name: "an id that is not there", ns: "ns2", picks: func(int64) []Pick { return []Pick{{ID: 999}} }, code: CodeEmpty, kind: fault.Invalid},
		{name: "no ids", ns: "ns2", picks: func(int64) []Pick { return nil }, code: CodeNothingSelected, kind: fault.Invalid},
		{name: "a namespace that is not there", ns: "other", picks: func(id int64) []Pick { return []Pick{{ID: id}} }, code: CodeNamespaceAbsent, kind: fault.NotFound},
		{name: "an illegal new name", ns: "ns2", picks: func(id int64) []Pick { return []Pick{{id, Name{"g", "a b"}}} }, code: config.CodeName, kind: fault.Invalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDomain()
			e := d.publish(t, "ns", "g", "a.yaml", "a: 1\n")
			if c.twice {
				if _, err := d.transfers().Clone(t.Context(), someone, c.ns, c.picks(e.ID), config.Abort); err != nil {
					t.Fatal(err)
				}
			}
			before := d.commands
			got, err := d.transfers().Clone(t.Context(), someone, c.ns, c.picks(e.ID), c.policy)
			if c.code != "" {
				if fault.CodeOf(err) != c.code || fault.KindOf(err) != c.kind || d.commands != before {
					t.Errorf("got %v, %d commands", err, d.commands-before)
				}
				return
			}
			if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
				t.Fatal(diff, err)
			}
			group, dataID, _ := strings.Cut(c.made, "/")
			made := d.entry(c.ns, group, dataID)
			if made == nil || string(made.Content) != "a: 1\n" || made.Type != "yaml" || made.AppName != "app1" || *made.Desc != "dd" || made.Tags != nil || made.EncryptedDataKey != "k" || made.SrcUser != "alice" {
				t.Errorf("the copy is %+v", made)
			}
		})
	}
}
