package archive

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"nacre/server/auth"
	"nacre/server/config"
	"nacre/server/fault"
	"nacre/server/journal"
	"nacre/server/namespace"
	"nacre/server/naming"
)

// draw returns a row of any kind.
func draw(rt *rapid.T) journal.Change {
	text := rapid.String()
	opt := func(name string) *string {
		if rapid.Bool().Draw(rt, name) {
			s := text.Draw(rt, name)
			return &s
		}
		return nil
	}
	str := func(name string) string { return text.Draw(rt, name) }
	at := rapid.Int64Range(0, 1<<42)
	content := rapid.OneOf(rapid.SliceOf(rapid.Byte()), rapid.Map(text, func(s string) []byte { return []byte(s) })).Draw(rt, "content")
	key := config.Key{Namespace: str("namespace"), Group: str("group"), DataID: str("dataId")}
	service := naming.Key{Namespace: key.Namespace, Group: key.Group, Name: key.DataID}
	var metadata naming.Metadata
	for i := range rapid.IntRange(0, 3).Draw(rt, "pairs") {
		metadata = append(metadata, naming.Pair{Key: fmt.Sprint(i), Value: str("value")})
	}
	switch rapid.IntRange(0, 10).Draw(rt, "kind") {
	case 0:
		var tags []string
		if rapid.Bool().Draw(rt, "tagged") {
			tags = []string{str("tag"), str("tag")}
		}
		return config.EntryChange{After: &config.Entry{
			Key: key, Content: content, MD5: config.MD5(content), Type: str("type"), AppName: str("app"), Tags: tags, Desc: opt("desc"), Use: opt("use"),
			Effect: opt("effect"), Schema: opt("schema"), EncryptedDataKey: str("edk"), SrcUser: str("user"), SrcIP: str("ip"), CreatedMs: at.Draw(rt, "at"),
			ModifiedMs: at.Draw(rt, "at"), Revision: rapid.Uint64().Draw(rt, "revision"),
		}}
	case 1:
		return config.GrayChange{After: &config.Gray{
			Key: key, Name: str("name"), Rule: config.Rule{Type: str("type"), Version: str("version"), Expr: str("expr"), Priority: rapid.Int32().Draw(rt, "priority")},
			Content: content, MD5: config.MD5(content), AppName: str("app"), SrcUser: str("user"), CreatedMs: at.Draw(rt, "at"), ModifiedMs: at.Draw(rt, "at"),
		}}
	case 2:
		return config.HistoryAdded{Row: &config.History{
			ConfigID: rapid.Int64Range(0, 1).Draw(rt, "id"), Key: key, Content: content, MD5: config.MD5(content), Op: str("op"), PublishType: str("publish"),
			GrayName: str("gray"), ExtInfo: str("info"), SrcUser: str("user"), CreatedMs: at.Draw(rt, "at"), ModifiedMs: at.Draw(rt, "at"),
			Revision: rapid.Uint64().Draw(rt, "revision"),
		}}
	case 3:
		return config.CapacityChange{After: &config.Capacity{Group: str("group"), Quota: at.Draw(rt, "quota"), ModifiedMs: at.Draw(rt, "at")}}
	case 4:
		return namespace.Change{After: &namespace.Namespace{ID: str("id"), Name: str("name"), Desc: str("desc"), CreatedMs: at.Draw(rt, "at")}}
	case 5:
		return UserRow{After: &auth.User{Name: str("name"), Hash: str("hash"), Roles: []string{str("role")}, ModifiedMs: at.Draw(rt, "at")}}
	case 6:
		return naming.InstanceChange{After: &naming.Persistent{Key: service, User: str("user"), CreatedMs: at.Draw(rt, "at"), Instance: naming.Instance{
			IP: str("ip"), Port: 80, Cluster: str("cluster"), Weight: rapid.Float64Range(0, 100).Draw(rt, "weight"), Enabled: true, Metadata: metadata,
		}}}
	case 7:
		return naming.ServiceChange{After: &naming.Service{Key: service, Metadata: metadata, ProtectThreshold: 0.5, Selector: naming.Selector{Expression: str("expr")}}}
	case 8:
		return naming.ClusterChange{After: &naming.Cluster{Key: service, Name: str("name"), Metadata: metadata, Checker: naming.Checker{Type: "TCP", Headers: str("headers")}}}
	case 9:
		weight := rapid.Float64Range(0, 100).Draw(rt, "weight")
		return naming.OverrideChange{After: &naming.Override{Key: service, Of: naming.InstanceID{IP: str("ip")}, Weight: &weight, Metadata: metadata, Drain: naming.Drain{FromMs: 1, UntilMs: 2}}}
	}
	return naming.SwitchChange{After: &naming.Switch{Entry: str("entry"), Value: str("value"), AtMs: at.Draw(rt, "at")}}
}

func archived(t rapid.TB, rows []journal.Change) []byte {
	var b bytes.Buffer
	w, err := NewWriter(&b, Header{MadeMs: 7, Server: "1.0"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range rows {
		if err := w.Add(c); err != nil {
			t.Fatal(err)
		}
	}
	w.Revision = 42
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func readAll(file []byte) (rows []journal.Change, r *Reader, err error) {
	if r, err = NewReader(bytes.NewReader(file)); err != nil {
		return nil, r, err
	}
	for {
		_, c, err := r.Next()
		if errors.Is(err, io.EOF) {
			return rows, r, nil
		}
		if err != nil {
			return rows, r, err
		}
		rows = append(rows, c)
	}
}

func TestWhatIsReadIsWhatWasWritten(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rows := make([]journal.Change, rapid.IntRange(0, 8).Draw(rt, "rows"))
		counts := Counts{}
		for i := range rows {
			rows[i] = draw(rt)
			kind, _ := rowOf(rows[i])
			counts.Add(kind, DigestOf(rows[i], Milliseconds))
		}
		file := archived(rt, rows)
		got, r, err := readAll(file)
		if err != nil {
			rt.Fatal(err)
		}
		same := cmp.Comparer(func(a, b []byte) bool { return bytes.Equal(a, b) })
		if diff := cmp.Diff(rows, got, same); len(rows) > 0 && diff != "" {
			rt.Fatal(diff)
		}
		if diff := cmp.Diff(counts, r.Counts()); diff != "" || r.Revision != 42 || r.Header.MadeMs != 7 {
			rt.Fatal(diff, r.Revision, r.Header)
		}
		// None of its beginnings is taken for a whole one.
		cut := rapid.IntRange(0, len(file)-1).Draw(rt, "cut")
		if _, _, err := readAll(file[:cut]); fault.KindOf(err) != fault.Invalid {
			rt.Fatalf("cut off at %d of %d: %v", cut, len(file), err)
		}
	})
}

func TestADigestTellsRowsApartButNotHowTheyAreNumbered(t *testing.T) {
	entry := func(change func(*config.Entry)) Digest {
		e := &config.Entry{Key: config.Key{Namespace: "n", Group: "g", DataID: "d"}, Content: []byte("x"), MD5: config.MD5([]byte("x")), ModifiedMs: 1234}
		change(e)
		return DigestOf(config.EntryChange{After: e}, Seconds)
	}
	as := entry(func(*config.Entry) {})
	for name, same := range map[string]Digest{
		"id":          entry(func(e *config.Entry) { e.ID = 7 }),
		"revision":    entry(func(e *config.Entry) { e.Revision = 7 }),
		"same second": entry(func(e *config.Entry) { e.ModifiedMs = 1999 }),
	} {
		if same != as {
			t.Errorf("%s makes a difference", name)
		}
	}
	blank := ""
	for name, other := range map[string]Digest{
		"content":        entry(func(e *config.Entry) { e.MD5 = config.MD5([]byte("y")) }),
		"another second": entry(func(e *config.Entry) { e.ModifiedMs = 2000 }),
		"blank, not nil": entry(func(e *config.Entry) { e.Desc = &blank }),
		"author":         entry(func(e *config.Entry) { e.SrcUser = "u" }),
		"order of tags":  entry(func(e *config.Entry) { e.Tags = []string{"b", "a"} }),
	} {
		if other == as {
			t.Errorf("%s makes no difference", name)
		}
	}
}

func FuzzReader(f *testing.F) {
	zipped := func(text string) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write([]byte(text))
		_ = z.Close()
		return b.Bytes()
	}
	f.Add(archived(f, []journal.Change{namespace.Change{After: &namespace.Namespace{ID: "a"}}}))
	f.Add(zipped(`{"nacre":"everything","version":1}` + "\n" + `{"kind":"config","row":{"content":{"base64":"AA=="}}}` + "\n"))
	f.Add(zipped(`{"nacre":"everything","version":1}` + "\n" + `{"end":true,"counts":{},"sha256":""}` + "\n"))
	f.Add([]byte("PK"))
	f.Fuzz(func(t *testing.T, file []byte) {
		for _, in := range [][]byte{file, zipped(string(file))} {
			rows, r, err := readAll(in)
			if err != nil {
				if fault.KindOf(err) != fault.Invalid || fault.TextOf(err) == "" {
					t.Fatalf("a fault without words: %v", err)
				}
				continue
			}
			if int64(len(rows)) != r.Counts().Total() {
				t.Fatalf("%d rows, %d counted", len(rows), r.Counts().Total())
			}
		}
	})
}
