package servertest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nacre/cli"
	"nacre/server/archive"
	"nacre/server/clock"
	"nacre/server/config"
	"nacre/server/naming"
	"nacre/server/store/mariadbtest"
)

// links is a log that keeps the secret of the link at which the first administrator is made.
type links struct {
	mu    sync.Mutex
	token string
	made  bool
}

// await waits until the log has the link, or says that the administrator was made.
func (l *links) await(t *testing.T) (token string) {
	t.Helper()
	eventually(t, func() error {
		l.mu.Lock()
		defer l.mu.Unlock()
		if token = l.token; token == "" && !l.made {
			return errors.New("nothing is known of an administrator")
		}
		return nil
	})
	return token
}

func (l *links) Enabled(context.Context, slog.Level) bool { return true }

func (l *links) WithAttrs([]slog.Attr) slog.Handler { return l }

func (l *links) WithGroup(string) slog.Handler { return l }

func (l *links) Handle(_ context.Context, r slog.Record) error {
	if strings.HasPrefix(r.Message, "the administrator was made") {
		l.mu.Lock()
		l.made = true
		l.mu.Unlock()
	}
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "url" && strings.Contains(r.Message, "no administrator") {
			link := a.Value.String()
			l.mu.Lock()
			l.token = link[strings.LastIndexByte(link, '/')+1:]
			l.mu.Unlock()
		}
		return true
	})
	return nil
}

// nacre runs the command line against a server and returns what it printed and its exit code.
func nacre(t *testing.T, s *Server, secret string, args ...string) (string, int) {
	t.Helper()
	var out bytes.Buffer
	code := cli.Main(t.Context(), args, cli.Env{Stdout: &out, Stderr: &out, Environ: []string{"NACRE_SERVER=" + s.URL, secret}})
	return out.String(), code
}

const admin = "NACRE_PASSWORD=correct horse battery"

// furnished starts a server with some of everything.
func furnished(t *testing.T) *Server {
	t.Helper()
	log := &links{}
	s := Start(t, AdminPassword("correct horse battery"), LogTo(log))
	log.await(t)
	for i := range 30 {
		id := fmt.Sprintf("app%d.yaml", i)
		for _, content := range []string{"a: 1\n", "a: 2 # ä <&>\u2028\r\n\"", fmt.Sprintf("a: %d\n", i)} {
			if err := publish(s, id, content); err != nil {
				t.Fatal(err)
			}
		}
	}
	desc, none := "of the shop", ""
	by := config.Actor{User: "alice", IP: "10.0.0.7"}
	key := config.Key{Namespace: "dev", Group: "g", DataID: "all"}
	_, err := s.Configs().Publish(t.Context(), by, config.Draft{Key: key, Content: []byte("{}"), Type: "json", AppName: &desc, TagsGiven: true, Tags: []string{"z", "a"}, Desc: &desc, Use: &none})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range []config.GrayDraft{{Name: config.GrayBeta, Rule: config.BetaRule("10.0.0.9")}, {Name: "tag_x", Rule: config.TagRule("x")}} {
		for _, content := range []string{"{1}", "{2}"} {
			if _, err := s.Configs().Publish(t.Context(), by, config.Draft{Key: key, Content: []byte(content), Gray: &g, Note: config.Note{Comment: "why"}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	gone := config.Key{Namespace: "public", Group: "g", DataID: "gone"}
	if _, err := s.Configs().Publish(t.Context(), by, config.Draft{Key: gone, Content: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Configs().Remove(t.Context(), by, gone, "", config.Note{}); err != nil {
		t.Fatal(err)
	}
	quota := int64(77)
	if err := s.Configs().SetCapacity(t.Context(), by, "dev", "", config.CapacityLimits{Quota: &quota}); err != nil {
		t.Fatal(err)
	}
	if status, body := ask(t, http.MethodPost, s.URL+"/nacre/v1/namespaces", `{"id":"dev","name":"development","desc":"<d>"}`, "Content-Type", "application/json"); status != http.StatusOK {
		t.Fatalf("a namespace: %d %s", status, body)
	}
	op := naming.Actor{User: "bob", IP: "10.0.0.8"}
	k := naming.Key{Namespace: "dev", Group: "g", Name: "orders"}
	r := s.Naming()
	for _, err := range []error{
		r.RegisterPersistent(t.Context(), op, k, naming.Instance{IP: "10.1.1.1", Port: 80, Weight: 2.5, Enabled: true, Healthy: true, Metadata: naming.Metadata{{Key: "zone", Value: "a"}}}),
		r.UpdateService(t.Context(), op, naming.Service{Key: k, ProtectThreshold: 0.3, Metadata: naming.Metadata{{Key: "owner", Value: "x"}}}),
		r.SetCluster(t.Context(), op, naming.Cluster{Key: k, Checker: naming.Checker{Type: naming.CheckNone}}),
		r.SetSwitch(t.Context(), op, "lightBeatEnabled", "false", false),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	off := false
	if err := r.SetOverride(t.Context(), op, k, naming.InstanceID{IP: "10.1.1.1", Port: 80, Cluster: "DEFAULT"}, naming.Patch{Enabled: &off}); err != nil {
		t.Fatal(err)
	}
	return s
}

// rowsOf returns the rows of an archive, those of history in their order.
func rowsOf(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n")
	lines := strings.Split(rest, "\n")
	lines = lines[:len(lines)-2]
	// Of one kind each storage has an order of its own; that of history counts.
	slices.SortStableFunc(lines, func(a, b string) int {
		if past := `{"kind":"history"`; strings.HasPrefix(a, past) && strings.HasPrefix(b, past) {
			return 0
		}
		return strings.Compare(a, b)
	})
	return strings.Join(lines, "\n")
}

func export(t *testing.T, s *Server, secret string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "all.gz")
	if out, code := nacre(t, s, secret, "export", "--everything", "--out", path); code != 0 {
		t.Fatalf("export: %d\n%s", code, out)
	}
	return path
}

// fresh starts an empty server without an administrator and returns what lets one in.
func fresh(t *testing.T, opts ...Option) (*Server, string) {
	t.Helper()
	log := &links{}
	s := Start(t, append(opts, LogTo(log))...)
	return s, "NACRE_SETUP_TOKEN=" + log.await(t)
}

func TestEverythingMovesToAnotherServer(t *testing.T) {
	from := furnished(t)
	path := export(t, from, admin)
	for _, kind := range archive.Kinds {
		if !strings.Contains(rowsOf(t, path), fmt.Sprintf(`{"kind":%q,`, kind)) {
			t.Errorf("there is no row of the kind %s", kind)
		}
	}
	to, secret := fresh(t)
	out, code := nacre(t, to, secret, "import", "--everything", path)
	if code != 0 {
		t.Fatalf("import: %d\n%s", code, out)
	}
	if got, want := rowsOf(t, export(t, to, admin)), rowsOf(t, path); got != want {
		t.Errorf("what was imported is exported as\n%s\nnot as\n%s", got, want)
	}
	again, code := nacre(t, to, admin, "import", "--everything", path)
	if code != 0 || strings.Contains(again, "DIFFERS") {
		t.Errorf("a second import: %d\n%s", code, again)
	}
	if got, want := rowsOf(t, export(t, to, admin)), rowsOf(t, path); got != want {
		t.Error("a second import changed something")
	}
	if got, err := read(to, "app7.yaml"); err != nil || got != "a: 7\n" {
		t.Errorf("the server serves %q, %v", got, err)
	}
	// What was moved is there after a restart, and is told from what is new.
	dir := to.Dir
	if err := to.Stop(); err != nil {
		t.Fatal(err)
	}
	to = Start(t, InDir(dir))
	if got, want := rowsOf(t, export(t, to, admin)), rowsOf(t, path); got != want {
		t.Error("a restart changed something")
	}
	if err := publish(to, "app7.yaml", "other"); err != nil {
		t.Fatal(err)
	}
	out, code = nacre(t, to, admin, "import", "--everything", path)
	if code != 1 || !strings.Contains(out, "app7.yaml") || !strings.Contains(out, "nothing was written") {
		t.Errorf("import where one differs: %d\n%s", code, out)
	}
	out, code = nacre(t, to, admin, "import", "--everything", "--policy", "skip", path)
	if code != 1 || !strings.Contains(out, "DIFFERS") {
		t.Errorf("import that skips it: %d\n%s", code, out)
	}
	out, code = nacre(t, to, admin, "import", "--everything", "--policy", "overwrite", path)
	if code != 0 {
		t.Errorf("import that overwrites it: %d\n%s", code, out)
	}
	if got, err := read(to, "app7.yaml"); err != nil || got != "a: 7\n" {
		t.Errorf("the server serves %q, %v", got, err)
	}
}

func TestEverythingMovesToAClusterAndIsOnAllItsNodes(t *testing.T) {
	path := export(t, furnished(t), admin)
	log := &links{}
	c := Cluster(t, 3, AdminPassword("another horse battery"), LogTo(log))
	c.WaitReady()
	log.await(t)
	out, code := nacre(t, c.Nodes[1], "NACRE_PASSWORD=another horse battery", "import", "--everything", "--policy", "overwrite", path)
	if code != 0 {
		t.Fatalf("import: %d\n%s", code, out)
	}
	for i, s := range c.Nodes {
		eventually(t, func() error { // users come last
			if s.srv.Users().User("nacos").Hash != c.Nodes[1].srv.Users().User("nacos").Hash {
				return fmt.Errorf("node %d has not applied all of it", i)
			}
			return nil
		})
		if got, want := rowsOf(t, export(t, s, admin)), rowsOf(t, path); got != want {
			t.Errorf("node %d has\n%s\nnot\n%s", i, got, want)
		}
	}
}

// TestEverythingMovesIntoMySQLAndBack goes from a data folder to a database, in which most times are whole seconds, and from there to a data folder.
func TestEverythingMovesIntoMySQLAndBack(t *testing.T) {
	first := furnished(t)
	path := export(t, first, admin)
	between, secret := fresh(t, OnMySQL(mariadbtest.Shared(t).Database(t)))
	if out, code := nacre(t, between, secret, "import", "--everything", path); code != 0 {
		t.Fatalf("into MySQL: %d\n%s", code, out)
	}
	if out, code := nacre(t, between, admin, "import", "--everything", path); code != 0 {
		t.Fatalf("into MySQL again: %d\n%s", code, out)
	}
	back := export(t, between, admin)
	last, secret := fresh(t)
	if out, code := nacre(t, last, secret, "import", "--everything", back); code != 0 {
		t.Fatalf("out of MySQL: %d\n%s", code, out)
	}
	got, want := strings.Split(rowsOf(t, export(t, last, admin)), "\n"), strings.Split(rowsOf(t, back), "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(want) != strings.Count(rowsOf(t, path), "\n")+1 {
		t.Errorf("%d rows came out of MySQL", len(want))
	}
	if got, err := read(last, "app7.yaml"); err != nil || got != "a: 7\n" {
		t.Errorf("the server serves %q, %v", got, err)
	}
}

func TestAnImportOfEverythingIsRefusedInWords(t *testing.T) {
	s, secret := fresh(t)
	path := export(t, furnished(t), admin)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file := func(content []byte) string {
		p := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(p, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	zipped := func(text string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		io.WriteString(z, text)
		z.Close()
		return file(b.Bytes())
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 1
	for _, c := range []struct{ name, path, secret, says string }{
		{"a file that is cut off", file(whole[:len(whole)*2/3]), secret, "cut off after"},
		{"a flipped bit", file(flipped), secret, "export it anew"},
		{"another file", file([]byte("a: 1\n")), secret, "no archive"},
		{"a ZIP", file([]byte("PK\x03\x04")), secret, "without --everything"},
		{"something behind it", file(append(bytes.Clone(whole), "x"...)), secret, "follows the end"},
		{"a newer form", zipped(`{"nacre":"everything","version":2,"server":"9.9"}` + "\n"), secret, "too old for it"},
		{"a wrong secret", path, "NACRE_SETUP_TOKEN=x", "not the link"},
		{"a wrong password", path, "NACRE_PASSWORD=wrong", "password is wrong"},
		{"no password", path, "X=", "NACRE_PASSWORD"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, code := nacre(t, s, c.secret, "import", "--everything", c.path)
			if code == 0 || !strings.Contains(out, c.says) {
				t.Errorf("%d\n%s\nsays nothing of %q", code, out, c.says)
			}
		})
	}
	if n := s.Configs().Stats().Configs; n != 0 {
		t.Errorf("%d configurations were written", n)
	}
}

// TestTenThousandConfigurationsMove is about what is bounded: requests, commands and answers. It is told how long it took.
func TestTenThousandConfigurationsMove(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	log := &links{}
	from := Start(t, AdminPassword("correct horse battery"), LogTo(log))
	log.await(t)
	const configs, batch = 10_000, 500
	text := strings.Repeat("key: value\n", 50)
	for round := range 3 {
		for first := 0; first < configs; first += batch {
			drafts := make([]config.Draft, batch)
			for i := range drafts {
				drafts[i] = config.Draft{Key: config.Key{Namespace: "public", Group: "g", DataID: fmt.Sprintf("c%d", first+i)}, Content: fmt.Appendf(nil, "%d %s", round, text)}
			}
			if _, err := from.Configs().PublishMany(t.Context(), config.Actor{User: "u"}, drafts, config.Overwrite); err != nil {
				t.Fatal(err)
			}
		}
	}
	begin := clock.System{}.Now()
	path := export(t, from, admin)
	exported := clock.System{}.Now()
	to, secret := fresh(t)
	out, code := nacre(t, to, secret, "import", "--everything", path)
	if code != 0 {
		t.Fatalf("import: %d\n%s", code, out)
	}
	imported := clock.System{}.Now()
	if got, want := rowsOf(t, export(t, to, admin)), rowsOf(t, path); got != want {
		t.Error("what was imported is not what was exported")
	}
	t.Logf("exported in %v, imported in %v\n%s", exported.Sub(begin), imported.Sub(exported), out)
}

func TestAnImportOfEverythingThatIsInterruptedGoesOn(t *testing.T) {
	path := export(t, furnished(t), admin)
	to, secret := fresh(t)
	begun, stop := context.WithCancel(t.Context())
	defer stop()
	// Interrupted when the first configurations arrive, wherever that is.
	go func() {
		eventually(t, func() error {
			if to.Configs().Stats().Configs == 0 {
				return errors.New("nothing has arrived")
			}
			return nil
		})
		stop()
	}()
	var out bytes.Buffer
	cli.Main(begun, []string{"import", "--everything", path}, cli.Env{Stdout: &out, Stderr: &out, Environ: []string{"NACRE_SERVER=" + to.URL, secret}})
	again, code := nacre(t, to, secret, "import", "--everything", path)
	if code != 0 && strings.Contains(again, "this link was used") {
		again, code = nacre(t, to, admin, "import", "--everything", path) // the users had arrived
	}
	if code != 0 {
		t.Fatalf("after an interrupted import\n%s\nanother one: %d\n%s", out.String(), code, again)
	}
	if got, want := rowsOf(t, export(t, to, admin)), rowsOf(t, path); got != want {
		t.Error("what was imported in parts is not what was exported")
	}
}
