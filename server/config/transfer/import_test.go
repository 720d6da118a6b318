package transfer

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"nacre/server/config"
	"nacre/server/fault"
)

var someone = config.Actor{User: "alice", IP: "10.0.0.1"}

func TestWhatAnImportDoes(t *testing.T) {
	v1 := []file{{"gza/a.yaml", "a: 1\n"}, {"gzb/b", "plain 文"}, {".meta.yml", "gza.a~yaml.app=app1\r\n"}}
	v2 := []file{{"c/c", "{}"}, {"c/extra", "x"}, {"top", "y"}, {".metadata.yml", "metadata:\n- appName: app2\n  dataId: c\n  desc: d\n  group: c\n  type: json\n- appName: null\n  dataId: missing\n  desc: null\n  group: c\n  type: text\n"}}
	for _, c := range []struct {
		name   string
		there  []string // group/dataId that exist before
		files  []file
		policy string
		want   Report
	}{
		{name: "the first metadata form", files: v1, want: Report{Succeeded: 2}},
		{name: "no metadata", files: v1[:2], want: Report{Succeeded: 2}},
		{name: "the second metadata form, with parts that don't fit together", files: v2, want: Report{Succeeded: 1, Unrecognized: []Unrecognized{
			{Item: "top", Reason: NotTwoParts}, {Item: "c/extra", Reason: NotInMetadata}, {Item: "c/missing", Reason: NotInFile},
		}}},
		{name: "abort stops at the first that exists", there: []string{"gzb/b"}, files: append(v1[:2:2], file{"gzc/c", "c"}, file{"gzd/d", "d"}),
			want: Report{Succeeded: 1, Failed: []Failure{{Name: Name{"gzb", "b"}}}, Skipped: []Name{{"gzc", "c"}, {"gzd", "d"}}}},
		{name: "skip leaves what exists", there: []string{"gza/a.yaml"}, files: v1, policy: "SKIP",
			want: Report{Succeeded: 1, Skipped: []Name{{"gza", "a.yaml"}}}},
		{name: "overwrite replaces what exists", there: []string{"gza/a.yaml"}, files: v1, policy: "OVERWRITE", want: Report{Succeeded: 2}},
		{name: "a second metadata entry is an ordinary one", files: append(v1[:3:3], file{".metadata.yml", "x"}),
			want: Report{Succeeded: 2, Unrecognized: []Unrecognized{{Item: ".metadata.yml", Reason: NotTwoParts}}}},
		{name: "nested and absolute paths", files: []file{{"g/a", "x"}, {"g/sub/b", "x"}, {"/etc/passwd", "x"}, {"/abs", "x"}, {"g//x", "x"}},
			want: Report{Succeeded: 1, Unrecognized: []Unrecognized{
				{Item: "g/sub/b", Reason: NotTwoParts}, {Item: "/etc/passwd", Reason: NotTwoParts}, {Item: "g//x", Reason: NotTwoParts},
				{Item: "/abs", Reason: Illegal, Text: "group is required"},
			}}},
		{name: "paths that lead out", files: []file{{"g/a", "x"}, {"../a", "x"}, {"g/..", "x"}, {"../../etc/x", "x"}, {`..\a`, "x"}},
			want: Report{Succeeded: 1, Unrecognized: []Unrecognized{
				{Item: "../../etc/x", Reason: NotTwoParts}, {Item: `..\a`, Reason: NotTwoParts},
				{Item: "../a", Reason: Illegal, Text: "'.' and '..' are no names"}, {Item: "g/..", Reason: Illegal, Text: "'.' and '..' are no names"},
			}}},
		{name: "blank, binary and illegal entries", files: []file{{"g/a", "x"}, {"g/blank", " \n"}, {"g/bin", "a\xff\xfe"}, {"g/cut", "a\xe4\xb8"}, {"g/a b", "x"}},
			want: Report{Succeeded: 1, Unrecognized: []Unrecognized{
				{Item: "g/blank", Reason: Illegal, Text: "it is blank"},
				{Item: "g/bin", Reason: Illegal, Text: "it is not UTF-8: byte 1 is not part of a character"},
				{Item: "g/cut", Reason: Illegal, Text: "it is not UTF-8: byte 1 is not part of a character"},
				{Item: "g/a b", Reason: Illegal, Text: `dataId "a b" has a character that is not allowed; letters, digits, '_', '-', '.' and ':' are`},
			}}},
		{name: "one name twice: the last counts", files: []file{{"g/a", "old"}, {"g/a", "new"}},
			want: Report{Succeeded: 1, Unrecognized: []Unrecognized{{Item: "g/a", Reason: Duplicate}}}},
		{name: "one item of the metadata twice", files: []file{{"g/a", "x"}, {".metadata.yml", "metadata:\n- {dataId: a, group: g, type: text}\n- {dataId: a, group: g, type: json}\n"}},
			want: Report{Succeeded: 1, Unrecognized: []Unrecognized{{Item: "g/a", Reason: Duplicate}}}},
		{name: "too many tags", files: []file{{"g/a", "x"}, {"g/b", "x"}, {".metadata.yml", "metadata:\n- {dataId: a, group: g, type: text, configTags: 'a,b,c,d,e,f'}\n- {dataId: b, group: g, type: text}\n"}},
			want: Report{Succeeded: 1, Unrecognized: []Unrecognized{{Item: "g/a", Reason: Illegal, Text: "there are 6 config_tags, at most 5 are allowed"}}}},
		{name: "too large an entry", files: []file{{"g/a", "x"}, {"g/b", strings.Repeat("b", 1<<20+1)}},
			want: Report{Succeeded: 1, Unrecognized: []Unrecognized{{Item: "g/b", Reason: Illegal, Text: "it has 1048577 bytes, at most 1048576 are allowed"}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDomain()
			for _, n := range c.there {
				group, dataID, _ := strings.Cut(n, "/")
				d.publish(t, "ns", group, dataID, "before")
			}
			policy, err := ParsePolicy(c.policy)
			if err != nil {
				t.Fatal(err)
			}
			z := zipOf(t, c.files...)
			got, err := d.transfers().Import(t.Context(), someone, ImportRequest{Namespace: "ns", File: z, Size: z.Size(), Policy: policy})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestImportedConfigurationsHaveTheirAttributes(t *testing.T) {
	d := newDomain()
	v1 := zipOf(t, file{"g/a.yml", "a: 1\n"}, file{"g/b.JSON", "{}"}, file{"g/c", "\ufeffplain 文\r\n"}, file{".meta.yml", "g.a~yml.app=app1\r\ng.c.app=app3\n"})
	if _, err := d.transfers().Import(t.Context(), someone, ImportRequest{Namespace: publicNS, File: v1, Size: v1.Size(), Policy: config.Abort}); err != nil {
		t.Fatal(err)
	}
	v2 := zipOf(t, file{"g/d", "x"}, file{".metadata.yml", "metadata:\n- appName: 'app: 4'\n  configTags: x,y\n  dataId: d\n  desc: |-\n    two\n    lines\n  group: g\n  type: toml\n"})
	if _, err := d.transfers().Import(t.Context(), someone, ImportRequest{Namespace: publicNS, File: v2, Size: v2.Size(), Policy: config.Abort, MetadataV2: true}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ dataID, content, typ, app, tags, desc string }{
		{"a.yml", "a: 1\n", "yaml", "app1", "", "-"},
		{"b.JSON", "{}", "json", "", "", "-"},
		{"c", "\ufeffplain 文\r\n", "text", "app3", "", "-"},
		{"d", "x", "toml", "app: 4", "x,y", "two\nlines"},
	} {
		e := d.entry(publicNS, "g", c.dataID)
		if e == nil {
			t.Errorf("%s is missing", c.dataID)
			continue
		}
		desc := "-"
		if e.Desc != nil {
			desc = *e.Desc
		}
		got := []string{string(e.Content), e.Type, e.AppName, config.JoinTags(e.Tags), desc, e.SrcUser, e.SrcIP}
		if diff := cmp.Diff([]string{c.content, c.typ, c.app, c.tags, c.desc, "alice", "10.0.0.1"}, got); diff != "" {
			t.Errorf("%s: %s", c.dataID, diff)
		}
	}
}

func TestArchivesThatAreRefusedAsAWhole(t *testing.T) {
	ok := []file{{"g/a", "x"}}
	whole := zipOf(t, file{"g/a", strings.Repeat("abcdefgh", 1000)})
	cut := make([]byte, whole.Size()-30)
	whole.ReadAt(cut, 0)
	flipped := make([]byte, whole.Size())
	whole.ReadAt(flipped, 0)
	flipped[60] ^= 0x40
	many := make([]file, 101)
	for i := range many {
		many[i] = file{fmt.Sprintf("g/%d", i), "x"}
	}
	for _, c := range []struct {
		name   string
		ns     string
		zip    *bytes.Reader
		v2     bool
		limits Limits
		code   fault.Code
		kind   fault.Kind
	}{
		{name: "a namespace that does not exist", ns: "other", zip: zipOf(t, ok...), code: CodeNamespaceAbsent, kind: fault.NotFound},
		{name: "no file", code: CodeEmpty, kind: fault.Invalid},
		{name: "not a ZIP", zip: bytes.NewReader([]byte("not a zip")), code: CodeEmpty, kind: fault.Invalid},
		{name: "an empty file", zip: bytes.NewReader(nil), code: CodeEmpty, kind: fault.Invalid},
		{name: "an empty ZIP", zip: zipOf(t), code: CodeEmpty, kind: fault.Invalid},
		{name: "only nested entries", zip: zipOf(t, file{"a/b/c", "{}"}), code: CodeEmpty, kind: fault.Invalid},
		{name: "only folders", zip: zipOf(t, file{"a/", ""}), code: CodeEmpty, kind: fault.Invalid},
		{name: "only entries that are illegal", zip: zipOf(t, file{"g/a b", "{}"}), code: CodeNoValidData, kind: fault.Invalid},
		{name: "a ZIP that stops half way", zip: bytes.NewReader(cut), code: CodeBroken, kind: fault.Invalid},
		{name: "a flipped bit", zip: bytes.NewReader(flipped), code: CodeBroken, kind: fault.Invalid},
		{name: "a line of the first form without an equals sign", zip: zipOf(t, ok[0], file{".meta.yml", "nonsense\r\n"}), code: CodeMetadata, kind: fault.Invalid},
		{name: "a line of the first form with two", zip: zipOf(t, ok[0], file{".meta.yml", "a=b=c\r\n"}), code: CodeMetadata, kind: fault.Invalid},
		{name: "the first form, empty", zip: zipOf(t, ok[0], file{".meta.yml", ""}), code: CodeMetadata, kind: fault.Invalid},
		{name: "the second form without a type", zip: zipOf(t, ok[0], file{".metadata.yml", "metadata:\n- dataId: a\n  group: g\n"}), code: CodeMetadata, kind: fault.Invalid},
		{name: "the second form with a list for a value", zip: zipOf(t, ok[0], file{".metadata.yml", "metadata:\n- dataId: [a]\n  group: g\n  type: text\n"}), code: CodeMetadata, kind: fault.Invalid},
		{name: "the second form that is no YAML", zip: zipOf(t, ok[0], file{".metadata.yml", "\t{"}), code: CodeMetadata, kind: fault.Invalid},
		{name: "the second form with nothing in it", zip: zipOf(t, ok[0], file{".metadata.yml", "metadata: []\n"}), code: CodeMetadata, kind: fault.Invalid},
		{name: "the first form where the second is asked", zip: zipOf(t, ok[0], file{".meta.yml", "g.a.app=x\n"}), v2: true, code: CodeMetadata, kind: fault.Invalid},
		{name: "no metadata where the second form is asked", zip: zipOf(t, ok...), v2: true, code: CodeMetadata, kind: fault.Invalid},
		{name: "a bomb: many bytes from few", zip: zipOf(t, file{"g/a", strings.Repeat("0", 1<<20)}, file{"g/b", strings.Repeat("0", 1<<20)}), limits: Limits{MaxUnpacked: 1<<20 + 5}, code: CodeTooMuch, kind: fault.Limited},
		{name: "a bomb: many entries", zip: zipOf(t, many...), limits: Limits{MaxEntries: 100}, code: CodeTooMuch, kind: fault.Limited},
		{name: "a bomb in the metadata", zip: zipOf(t, ok[0], file{".metadata.yml", "metadata:\n- " + strings.Repeat("x", 1<<20)}), code: CodeMetadata, kind: fault.Invalid},
		{name: "an alias bomb", zip: zipOf(t, ok[0], file{".metadata.yml", "a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b]\nmetadata: [*c,*c,*c]\n"}), code: CodeMetadata, kind: fault.Invalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDomain()
			s := New(d, func(ns string) bool { return ns == "ns" }, c.limits)
			req := ImportRequest{Namespace: "ns", Policy: config.Overwrite, MetadataV2: c.v2}
			if c.ns != "" {
				req.Namespace = c.ns
			}
			if c.zip != nil {
				req.File, req.Size = c.zip, c.zip.Size()
			}
			_, err := s.Import(t.Context(), someone, req)
			if fault.CodeOf(err) != c.code || fault.KindOf(err) != c.kind {
				t.Errorf("got %v (code %q, kind %s), want code %q, kind %s", err, fault.CodeOf(err), fault.KindOf(err), c.code, c.kind)
			}
			if d.commands > 0 {
				t.Errorf("%d commands were submitted", d.commands)
			}
		})
	}
}

func TestAnImportGoesInBoundedCommands(t *testing.T) {
	d := newDomain()
	var files []file
	for i := range 250 {
		files = append(files, file{fmt.Sprintf("g/%03d", i), fmt.Sprint("c", i)})
	}
	for i := range 5 {
		files = append(files, file{fmt.Sprintf("h/%d", i), strings.Repeat("x", 600<<10)})
	}
	z := zipOf(t, files...)
	r, err := d.transfers().Import(t.Context(), someone, ImportRequest{Namespace: "ns", File: z, Size: z.Size(), Policy: config.Skip})
	if err != nil || r.Succeeded != 255 {
		t.Fatal(r, err)
	}
	if d.largest > 1<<20+64<<10 {
		t.Errorf("the largest command has %d bytes", d.largest)
	}
	for _, n := range d.calls {
		if n > 100 {
			t.Errorf("one command has %d configurations", n)
		}
	}
	again, err := d.transfers().Import(t.Context(), someone, ImportRequest{Namespace: "ns", File: z, Size: z.Size(), Policy: config.Abort})
	if err != nil || again.Succeeded != 0 || len(again.Failed) != 1 || len(again.Skipped) != 254 {
		t.Errorf("again: %d succeeded, %d failed, %d skipped, %v", again.Succeeded, len(again.Failed), len(again.Skipped), err)
	}
}

func TestPolicies(t *testing.T) {
	for word, want := range map[string]config.IfPresent{"": config.Abort, "ABORT": config.Abort, "SKIP": config.Skip, "OVERWRITE": config.Overwrite} {
		if got, err := ParsePolicy(word); err != nil || got != want {
			t.Errorf("%q is %v, %v", word, got, err)
		}
	}
	if _, err := ParsePolicy("NOPE"); fault.KindOf(err) != fault.Invalid {
		t.Errorf("NOPE is %v", err)
	}
}

// discards stands in for a service whose memory is not to be measured.
type discards struct {
	*domain
	peak uint64
	n    int
}

func (d *discards) PublishMany(_ context.Context, _ config.Actor, drafts []config.Draft, _ config.IfPresent) ([]config.Outcome, error) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	d.peak = max(d.peak, m.HeapInuse)
	d.n += len(drafts)
	return make([]config.Outcome, len(drafts)), nil
}

func TestAnImportDoesNotUnpackTheArchiveIntoMemory(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "large.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const n, size = 96, 1 << 20
	noise, content := rand.NewChaCha8([32]byte{}), make([]byte, size)
	z := zip.NewWriter(f)
	for i := range n {
		noise.Read(content)
		for j := range content {
			content[j] = 33 + content[j]%90
		}
		w, err := z.CreateHeader(&zip.FileHeader{Name: fmt.Sprint("g/", i), Method: zip.Store})
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	d := &discards{domain: newDomain()}
	s := New(d, func(string) bool { return true }, Limits{})
	if _, err := s.Import(t.Context(), someone, ImportRequest{Namespace: "ns", File: f, Size: info.Size()}); err != nil || d.n != n {
		t.Fatal(d.n, err)
	}
	if grown := int64(d.peak) - int64(before.HeapInuse); grown > 32<<20 {
		t.Errorf("an archive of %d MiB took %d MiB of memory", info.Size()>>20, grown>>20)
	}
}

func FuzzOpen(f *testing.F) {
	for _, files := range [][]file{
		{{"g/a", "x"}}, {{"g/a.yaml", "a: 1"}, {".meta.yml", "g.a~yaml.app=x\r\n"}},
		{{"g/a", "x"}, {".metadata.yml", "metadata:\n- appName: ''\n  dataId: a\n  group: g\n  type: text\n"}}, {},
	} {
		z := zipOf(f, files...)
		b := make([]byte, z.Size())
		z.ReadAt(b, 0)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := Open(bytes.NewReader(b), int64(len(b)), Limits{MaxEntries: 1000, MaxUnpacked: 1 << 20, MaxContent: 1 << 16})
		if err != nil {
			if fault.CodeOf(err) == "" {
				t.Fatalf("an error without a code: %v", err)
			}
			return
		}
		for i, it := range a.Items {
			content, err := a.Content(i)
			if err != nil || config.MD5(content) != it.MD5 || CheckText(content) != "" {
				t.Fatalf("item %v: %v", it.Name, err)
			}
			if strings.Contains(it.DataID, "/") || dots(it.Group) || dots(it.DataID) {
				t.Fatalf("item %v", it.Name)
			}
		}
	})
}

func FuzzMetadata(f *testing.F) {
	f.Add("metadata:\n- appName: app1\n  dataId: a\n  desc: dd\n  group: g\n  type: yaml\n", "g.a.app=x\r\n")
	f.Add("metadata:\n  - {dataId: a, group: g, type: t}\n  - &x\n    dataId: |\n      a\n    group: 'g\n\n      h'\n    type: t\n", "=")
	f.Add("metadata: [{dataId: a, group: g, type: t}]", "")
	f.Fuzz(func(t *testing.T, v2, v1 string) {
		if list, err := ReadMetadata(strings.NewReader(v2)); err == nil {
			for _, a := range list {
				if a.DataID == "" || a.Group == "" || a.Type == "" {
					t.Fatalf("%q gave %+v", v2, a)
				}
			}
		} else if fault.CodeOf(err) != CodeMetadata {
			t.Fatalf("%q gave %v", v2, err)
		}
		if _, err := readMetadataV1(strings.NewReader(v1)); err != nil && fault.CodeOf(err) != CodeMetadata {
			t.Fatalf("%q gave %v", v1, err)
		}
	})
}

func FuzzCheckTextInPieces(f *testing.F) {
	f.Add([]byte("a中\xff"), uint8(1))
	f.Fuzz(func(t *testing.T, b []byte, step uint8) {
		var c textCheck
		for part := range slices.Chunk(b, int(step%7)+1) {
			c.write(part)
		}
		if got, want := c.end(), CheckText(b); got != want {
			t.Fatalf("%q: %q in pieces, %q at once", b, got, want)
		}
		if ok := utf8.Valid(b) && strings.Trim(string(b), asciiBlank) != ""; ok != (CheckText(b) == "") {
			t.Fatalf("%q: %q", b, CheckText(b))
		}
	})
}

// asciiBlank are the characters that make a content blank.
const asciiBlank = "\x00\x01\x02\x03\x04\x05\x06\x07\x08\t\n\x0b\x0c\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f "
