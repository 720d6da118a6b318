package cli

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/go-cmp/cmp"

	"nacre/server/clock"
	"nacre/server/config"
	"nacre/server/config/transfer"
	"nacre/server/journal"
	"nacre/server/namespace"
	"nacre/web/api/nacre"
	"nacre/web/api/wire"
)

// backend is the real API over the real decisions, on a port of its own; nothing beneath is durable.
type backend struct {
	config.Queries
	url        string
	configs    *config.Service
	namespaces *namespace.Service

	mu       sync.Mutex
	held     *config.State
	spaces   *namespace.State
	commands int
	// before, when set, is called once before the next command.
	before func()
}

func newBackend(t *testing.T) *backend {
	t.Helper()
	b := &backend{}
	b.configs, b.held = config.New(clock.System{}, config.Options{MaxContent: 1 << 20})
	b.namespaces, b.spaces = namespace.New(clock.System{}, namespace.Options{})
	b.configs.Use(b, b)
	b.namespaces.Use(b)
	app := fiber.New(fiber.Config{Immutable: true, DisableStartupMessage: true, BodyLimit: 32 << 20})
	nacre.Register(app, nacre.Deps{Deps: wire.Deps{
		Configs: b.configs, Namespaces: b.namespaces, Transfer: transfer.New(b.configs, b.namespaces.Exists, transfer.Limits{}),
		Clock: clock.System{}, Log: slog.New(slog.DiscardHandler), ClientIP: func(c *fiber.Ctx) string { return c.IP() },
	}, Node: func() nacre.Node { return nacre.Node{} }})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- app.Listener(l) }()
	t.Cleanup(func() {
		if err := app.ShutdownWithTimeout(5 * time.Second); err != nil {
			t.Error(err)
		}
		<-served
	})
	b.url = "http://" + l.Addr().String()
	if err := b.namespaces.Create(t.Context(), namespace.Actor{}, "dev", "dev", ""); err != nil {
		t.Fatal(err)
	}
	b.commands = 0
	return b
}

// Submit implements journal.Journal.
func (b *backend) Submit(_ context.Context, cmd journal.Command) (journal.Result, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if f := b.before; f != nil && config.Owns(cmd.Kind) {
		b.before = nil
		f()
	}
	b.commands++
	if namespace.Owns(cmd.Kind) {
		out, _, err := b.spaces.Decide(cmd)
		return journal.Result{Outcome: out}, err
	}
	out, _, err := b.held.Decide(cmd)
	return journal.Result{Outcome: out}, err
}

// List implements the part of config.Queries that lists and exports use.
func (b *backend) List(_ context.Context, f config.Filter) (config.Page[*config.Entry], error) {
	page := config.Page[*config.Entry]{Number: f.PageNo, Size: f.PageSize}
	b.held.Each(func(k config.Key, it *config.Item) bool {
		if it.Formal != nil && k.Namespace == f.Namespace && (f.Group == "" || k.Group == f.Group) && (f.DataID == "" || k.DataID == f.DataID) {
			page.Items = append(page.Items, it.Formal)
		}
		return true
	})
	slices.SortFunc(page.Items, func(x, y *config.Entry) int { return int(x.ID - y.ID) })
	page.Total = len(page.Items)
	page.Items = page.Items[:min(len(page.Items), f.PageSize)]
	return page, nil
}

func (b *backend) put(t *testing.T, ns, group, dataID, content string) {
	t.Helper()
	if _, err := b.configs.Publish(t.Context(), config.Actor{}, config.Draft{Key: config.Key{Namespace: ns, Group: group, DataID: dataID}, Content: []byte(content)}); err != nil {
		t.Fatal(err)
	}
}

// all returns group/dataId and content of every configuration of a namespace.
func (b *backend) all(ns string) map[string]string {
	out := make(map[string]string)
	page, _ := b.List(context.Background(), config.Filter{Namespace: ns, PageSize: math.MaxInt})
	for _, e := range page.Items {
		out[e.Key.Group+"/"+e.Key.DataID] = string(e.Content)
	}
	return out
}

func (b *backend) run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return run(t, nil, []string{"NACRE_SERVER=" + b.url, "USER=alice"}, args...)
}

func writeTree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for p, content := range files {
		full := filepath.Join(dir, p)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func readTree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		rel, _ := filepath.Rel(dir, p)
		files[rel] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func contains(t *testing.T, text string, want ...string) {
	t.Helper()
	squeezed := strings.Join(strings.Fields(text), " ")
	for _, w := range want {
		if !strings.Contains(squeezed, w) {
			t.Errorf("no %q in:\n%s", w, text)
		}
	}
}

func TestAFolderIsImportedAndExportedAsItWas(t *testing.T) {
	b := newBackend(t)
	tree := map[string]string{
		"hosts": "127.0.0.1 localhost\n", "apt/sources.list": "deb x\r\n", "systemd/system/getty@tty1.service": "[Unit]", "my notes.txt": "\ufeffn",
		"a:b": "colon", "g/=x": "mark", "g/\xff": "a name that is no text", "g/app.yml": "a: 1\n",
	}
	dir := writeTree(t, tree)
	code, out, stderr := b.run(t, "import", dir, "--namespace", "dev", "--dry-run")
	contains(t, out, "new 8", "same 0", "conflict 0", "Dry run: nothing was written.", "DEFAULT_GROUP my::20notes.txt my notes.txt")
	if code != ExitOK || stderr != "" || b.commands != 0 {
		t.Fatalf("dry run: code %d, %d commands, %s", code, b.commands, stderr)
	}
	code, out, stderr = b.run(t, "import", dir, "--namespace", "dev")
	contains(t, out, "created 8", "failed 0")
	if code != ExitOK || stderr != "" {
		t.Fatalf("import: code %d, %s", code, stderr)
	}
	if it := b.configs.Item(config.Key{Namespace: "dev", Group: "g", DataID: "app.yml"}); it == nil || it.Formal.Type != "yaml" || it.Formal.SrcUser != "alice" {
		t.Errorf("app.yml is %+v", it)
	}
	commands := b.commands
	code, out, _ = b.run(t, "import", dir, "--namespace", "dev")
	contains(t, out, "new 0", "same 8", "created 0")
	if code != ExitOK || b.commands != commands {
		t.Errorf("the second import: code %d, %d commands", code, b.commands-commands)
	}
	to := filepath.Join(t.TempDir(), "out") + "/"
	code, out, stderr = b.run(t, "export", "--namespace", "dev", "--out", to)
	contains(t, out, "written 8", "unchanged 0", "failed 0")
	if diff := cmp.Diff(tree, readTree(t, to)); diff != "" || code != ExitOK || stderr != "" {
		t.Errorf("code %d, %s, %s", code, stderr, diff)
	}
	_, out, _ = b.run(t, "export", "--namespace", "dev", "--out", to, "--format", "folder")
	contains(t, out, "written 0", "unchanged 8")
}

func TestConflictsNeedAPolicy(t *testing.T) {
	for _, c := range []struct {
		name   string
		args   []string
		code   int
		want   map[string]string
		stdout []string
		stderr string
	}{
		{"without one", nil, ExitFail, map[string]string{"g/a": "theirs", "g/same": "s"}, []string{"new 1", "same 1", "conflict 1"}, "1 configuration is there with another content; nothing was written"},
		{"dry run", []string{"--dry-run"}, ExitOK, map[string]string{"g/a": "theirs", "g/same": "s"}, []string{"conflict 1"}, ""},
		{"skip", []string{"--policy", "skip"}, ExitOK, map[string]string{"g/a": "theirs", "g/b": "b", "g/same": "s"}, []string{"created 1", "updated 0", "same 1", "skipped 1"}, ""},
		{"overwrite", []string{"--policy", "overwrite"}, ExitOK, map[string]string{"g/a": "ours", "g/b": "b", "g/same": "s"}, []string{"created 1", "updated 1", "same 1", "skipped 0"}, ""},
		{"a word that is none", []string{"--policy", "merge"}, ExitUsage, map[string]string{"g/a": "theirs", "g/same": "s"}, nil, "--policy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBackend(t)
			b.put(t, "dev", "g", "a", "theirs")
			b.put(t, "dev", "g", "same", "s")
			dir := writeTree(t, map[string]string{"g/a": "ours", "g/b": "b", "g/same": "s"})
			code, out, stderr := b.run(t, append([]string{"import", dir, "--namespace", "dev"}, c.args...)...)
			if code != c.code || !strings.Contains(stderr, c.stderr) {
				t.Errorf("code %d, %s", code, stderr)
			}
			contains(t, out, c.stdout...)
			if diff := cmp.Diff(c.want, b.all("dev")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatChangesBetweenPlanAndImportIsNotReplaced(t *testing.T) {
	b := newBackend(t)
	b.put(t, "dev", "g", "old", "theirs")
	dir := writeTree(t, map[string]string{"g/new": "ours", "g/old": "ours"})
	b.before = func() {
		// On behalf of somebody else, as the command of the import is about to be decided.
		other, state := config.New(clock.System{}, config.Options{})
		_ = state
		other.Use(direct{b.held}, b)
		for _, id := range []string{"new", "old"} {
			if _, err := other.Publish(context.Background(), config.Actor{}, config.Draft{Key: config.Key{Namespace: "dev", Group: "g", DataID: id}, Content: []byte("meanwhile")}); err != nil {
				t.Error(err)
			}
		}
	}
	code, out, stderr := b.run(t, "import", dir, "--namespace", "dev", "--policy", "overwrite")
	if code != ExitFail || !strings.Contains(stderr, "2 configurations were not written") {
		t.Errorf("code %d, %s", code, stderr)
	}
	contains(t, out, "failed 2", "g/new somebody else published it meanwhile", "g/old it was changed meanwhile")
	if diff := cmp.Diff(map[string]string{"g/new": "meanwhile", "g/old": "meanwhile"}, b.all("dev")); diff != "" {
		t.Error(diff)
	}
}

// direct decides without asking anybody.
type direct struct{ state *config.State }

func (d direct) Submit(_ context.Context, cmd journal.Command) (journal.Result, error) {
	out, _, err := d.state.Decide(cmd)
	return journal.Result{Outcome: out}, err
}

func TestWhatCanNotBeImportedIsNamed(t *testing.T) {
	b := newBackend(t)
	dir := writeTree(t, map[string]string{
		"g/ok": "x", "g/blank": " \n", "g/binary": "\x00\xff", "g/empty": "", "g/large": strings.Repeat("x", 1<<20+1),
		"g/" + strings.Repeat("long", 63): "x", "g/" + strings.Repeat("中", 40): "x", ".git/config": "x",
	})
	if err := os.Symlink("ok", filepath.Join(dir, "g/link")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "g/pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	code, out, stderr := b.run(t, "import", dir, "--namespace", "dev")
	if code != ExitOK || stderr != "" {
		t.Errorf("code %d, %s", code, stderr)
	}
	contains(t, out, "new 2", "left out 8", "blank: 2", "not UTF-8: 1", "symbolic link: 1", "special file: 1", "of version control: 1", "refused by the server: 1",
		"g/blank it is blank", "g/binary it is not UTF-8: byte 1", "g/link it is a symbolic link", "g/pipe it is a named pipe",
		"its dataId would have 480 characters, at most 256 are allowed", "the content has 1048577 bytes, at most 1048576 are allowed")
	if n := len(b.all("dev")); n != 2 {
		t.Errorf("%d configurations", n)
	}
}

func TestAZIPIsImportedWithItsAttributes(t *testing.T) {
	b := newBackend(t)
	file := filepath.Join(t.TempDir(), "x.zip")
	writeZIP(t, file, [][2]string{{"g/a.yaml", "a: 1\n"}, {"g/extra", "x"}, {"top", "x"}, {".metadata.yml", "metadata:\n- {appName: app, configTags: 'x,y', dataId: a.yaml, desc: d, group: g, type: json}\n- {dataId: gone, group: g, type: text}\n"}})
	code, out, stderr := b.run(t, "import", file, "--namespace", "dev")
	if code != ExitOK || stderr != "" {
		t.Fatalf("code %d, %s", code, stderr)
	}
	contains(t, out, "created 1", "left out 3", "top its path is not group/dataId", "g/extra the metadata do not list it", "g/gone the metadata list it, but the ZIP does not have it")
	e := b.configs.Item(config.Key{Namespace: "dev", Group: "g", DataID: "a.yaml"}).Formal
	if e.Type != "json" || e.AppName != "app" || *e.Desc != "d" || config.JoinTags(e.Tags) != "x,y" {
		t.Errorf("%+v", e)
	}
	// And out again, whole, and into another namespace.
	back := filepath.Join(t.TempDir(), "y.zip")
	if code, out, stderr := b.run(t, "export", "--namespace", "dev", "--out", back); code != ExitOK {
		t.Fatal(out, stderr)
	}
	if code, out, stderr := b.run(t, "import", back, "--namespace", "copy", "--create-namespace"); code != ExitOK {
		t.Fatal(out, stderr)
	}
	if e := b.configs.Item(config.Key{Namespace: "copy", Group: "g", DataID: "a.yaml"}).Formal; e.Type != "json" || e.AppName != "app" || *e.Desc != "d" || config.JoinTags(e.Tags) != "x,y" || string(e.Content) != "a: 1\n" {
		t.Errorf("%+v", e)
	}
	if code, _, stderr := b.run(t, "export", "--namespace", "dev", "--out", back); code != ExitUsage || !strings.Contains(stderr, "--force") {
		t.Error(code, stderr)
	}
}

func writeZIP(t *testing.T, path string, files [][2]string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	for _, e := range files {
		w, err := z.Create(e[0])
		if err == nil {
			_, err = io.WriteString(w, e[1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAnUnpackedZIPIsRecognised(t *testing.T) {
	for name, extra := range map[string][2]string{
		"by its metadata":             {".metadata.yml", "metadata:\n- {dataId: b, group: g, type: json, desc: d}\n"},
		"by its older metadata":       {".meta.yml", "g.b.app=x\r\n"},
		"by the default group's name": {"DEFAULT_GROUP/c", "c"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBackend(t)
			dir := writeTree(t, map[string]string{"DEFAULT_GROUP/a": "a", "g/b": "b", "README": "r", extra[0]: extra[1]})
			_, out, _ := b.run(t, "import", dir, "--namespace", "dev")
			contains(t, out, "every group has a folder, as in Nacos' ZIP", "README it is in no folder that names its group")
			want := map[string]string{"DEFAULT_GROUP/a": "a", "g/b": "b"}
			if !strings.HasPrefix(extra[0], ".") {
				want[extra[0]] = extra[1]
			}
			if diff := cmp.Diff(want, b.all("dev")); diff != "" {
				t.Error(diff)
			}
			to := t.TempDir()
			if code, out, stderr := b.run(t, "export", "--namespace", "dev", "--out", to, "--root-group", ""); code != ExitOK {
				t.Fatal(out, stderr)
			}
			if diff := cmp.Diff(want, readTree(t, to)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAnExportStaysInItsFolder(t *testing.T) {
	b := newBackend(t)
	for _, n := range [][2]string{{"g", "a:..:..:b"}, {"g", "x"}, {"g", "x:y"}, {"DEFAULT_GROUP", "etc"}, {"etc", "passwd"}, {"g", "link"}, {"g", "sub:file"}} {
		b.put(t, "dev", n[0], n[1], "new")
	}
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "file"), []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	to := writeTree(t, map[string]string{"g/other": "stays"})
	for link, target := range map[string]string{"g/link": "file", "g/sub": ""} {
		if err := os.Symlink(filepath.Join(outside, target), filepath.Join(to, link)); err != nil {
			t.Fatal(err)
		}
	}
	code, out, stderr := b.run(t, "export", "--namespace", "dev", "--out", to)
	if code != ExitFail || !strings.Contains(stderr, "3 configurations were not written") {
		t.Errorf("code %d, %s\n%s", code, stderr, out)
	}
	contains(t, out, "g/x the file g/x would stand where a folder of that name is needed", "DEFAULT_GROUP/etc the file etc would stand", "g/sub:file")
	if got := readTree(t, outside); got["file"] != "old" || len(got) != 1 {
		t.Errorf("outside: %v", got)
	}
	if err := os.Remove(filepath.Join(to, "g/sub")); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"g/=a:..:..:b": "new", "g/x/y": "new", "etc/passwd": "new", "g/link": "new", "g/other": "stays"}
	if diff := cmp.Diff(want, readTree(t, to)); diff != "" {
		t.Error(diff)
	}
}

func TestUsageOfImportAndExport(t *testing.T) {
	b := newBackend(t)
	dir := writeTree(t, map[string]string{"g/a": "x"})
	text := filepath.Join(dir, "g/a")
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no namespace", []string{"import", dir}, ExitUsage, "--namespace"},
		{"an illegal namespace", []string{"import", dir, "--namespace", "a b"}, ExitUsage, "--namespace is"},
		{"a path that is not there", []string{"import", dir + "/none", "--namespace", "dev"}, ExitUsage, "no such file"},
		{"a file that is no ZIP", []string{"import", text, "--namespace", "dev"}, ExitFail, "not a ZIP"},
		{"a device", []string{"import", "/dev/null", "--namespace", "dev"}, ExitUsage, "neither a ZIP nor a folder"},
		{"a namespace that is not there", []string{"import", dir, "--namespace", "nope"}, ExitFail, "--create-namespace"},
		{"a server that is none", []string{"import", dir, "--namespace", "dev", "--server", "localhost:8848"}, ExitUsage, "http://127.0.0.1:8848"},
		{"a server that is not there", []string{"import", dir, "--namespace", "dev", "--server", "http://127.0.0.1:1"}, ExitFail, "can't be reached"},
		{"a group that is illegal", []string{"import", dir, "--namespace", "dev", "--root-group", "a b"}, ExitUsage, "--root-group"},
		{"export of a namespace that is not there", []string{"export", "--namespace", "nope", "--out", dir}, ExitFail, "there is no namespace nope"},
		{"export of nothing", []string{"export", "--namespace", "dev", "--out", dir}, ExitFail, "there is no configuration to export"},
		{"a folder as a ZIP", []string{"export", "--namespace", "dev", "--format", "zip", "--out", dir}, ExitUsage, "is a folder"},
		{"a file as a folder", []string{"export", "--namespace", "dev", "--format", "folder", "--out", text}, ExitUsage, "is a file"},
		{"a folder without a name", []string{"export", "--format", "folder"}, ExitUsage, "--out"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, _, stderr := b.run(t, c.args...)
			if code != c.code || !strings.Contains(stderr, c.want) {
				t.Errorf("code %d, want %d and %q in: %s", code, c.code, c.want, stderr)
			}
		})
	}
	other := fiber.New(fiber.Config{DisableStartupMessage: true})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- other.Listener(l) }()
	defer func() {
		other.Shutdown()
		<-served
	}()
	code, _, stderr := b.run(t, "import", dir, "--namespace", "dev", "--server", "http://"+l.Addr().String())
	if code != ExitFail || !strings.Contains(stderr, "is not Nacre") {
		t.Errorf("another server: code %d, %s", code, stderr)
	}
}

func TestManyFilesGoInBoundedRequests(t *testing.T) {
	b := newBackend(t)
	files := make(map[string]string)
	for i := range 350 {
		files[fmt.Sprintf("g%d/d/%d.properties", i%7, i)] = fmt.Sprint("n=", i)
	}
	for i := range 4 {
		files[fmt.Sprintf("big/%d", i)] = strings.Repeat("\x01\n\"", 300_000)
	}
	dir := writeTree(t, files)
	code, out, stderr := b.run(t, "import", dir, "--namespace", "public")
	if code != ExitOK || len(b.all("public")) != len(files) {
		t.Fatalf("code %d, %s", code, stderr)
	}
	contains(t, out, "created 354", "… and 334 more; --verbose lists all")
	if b.commands < 7 || b.commands > 20 {
		t.Errorf("%d commands", b.commands)
	}
}
