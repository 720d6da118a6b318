package main

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// pkg is what `go list -json` says of a package.
type pkg struct {
	ImportPath                         string
	Dir                                string
	GoFiles, TestGoFiles, XTestGoFiles []string
	Imports                            []string
}

const module = "nacre"

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Dir,GoFiles,TestGoFiles,XTestGoFiles,Imports", "./...")
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %s", exit.Stderr)
		}
		t.Fatal(err)
	}
	var list []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

// in reports whether the path of a package of ours is dir or below it.
func in(path string, dirs ...string) bool {
	for _, d := range dirs {
		if full := strings.TrimSuffix(module+"/"+d, "/"); path == full || strings.HasPrefix(path, full+"/") {
			return true
		}
	}
	return false
}

// layer is a set of packages and what of ours they may import.
type layer struct {
	name string // the rule, as it completes "x imports y, but …"
	// dirs are the packages and may those that they may import, each with what is below it.
	dirs, may []string
}

var (
	small   = []string{"server/resource", "server/fault", "server/clock", "server/event", "server/journal", "server/settings", "server/failpoint", "server/feed", "server/release", "server/fuzzy"}
	domains = []string{"server/config", "server/naming", "server/namespace", "server/auth", "server/draft", "server/audit", "server/cluster"}
)

func with(lists ...[]string) []string { return slices.Concat(lists...) }

// layers say who may import whom. The first that a package belongs to counts; one that belongs to
// none fails the test, so that a new package is placed on purpose.
var layers = []layer{
	{"small packages import nothing of ours but small ones", small, small},
	{"configurations know no other domain", []string{"server/config"}, with(small, []string{"server/config"})},
	{"naming knows no other domain", []string{"server/naming"}, with(small, []string{"server/naming"})},
	{"namespaces know no other domain", []string{"server/namespace"}, with(small, []string{"server/namespace"})},
	{"auth knows no other domain", []string{"server/auth"}, with(small, []string{"server/auth"})},
	{"drafts know no other domain", []string{"server/draft"}, with(small, []string{"server/draft"})},
	{"audit knows no other domain", []string{"server/audit"}, with(small, []string{"server/audit"})},
	{"cluster knows no other domain", []string{"server/cluster"}, with(small, []string{"server/cluster"})},
	{"archives know the domains", []string{"server/archive"}, with(small, domains, []string{"server/archive"})},
	{"distro", []string{"server/distro"}, with(small, domains, []string{"server/distro"})},
	{"store and replica meet only in the journal", []string{"server/store"}, with(small, domains, []string{"server/store", "migrations"})},
	{"replica and store meet only in the journal", []string{"server/replica"}, with(small, domains, []string{"server/replica"})},
	{"a node on MySQL knows the store", []string{"server/external"}, with(small, domains, []string{"server/external", "server/store"})},
	{"metrics know no domain", []string{"server/metrics"}, with(small, []string{"server/metrics"})},
	{"views of a cluster know the domains", []string{"server/view"}, with(small, domains, []string{"server/view", "server/metrics"})},
	{"rate limits", []string{"server/ratelimit"}, with(small, []string{"server/ratelimit"})},
	{"probes know naming alone", []string{"server/probe"}, with(small, []string{"server/naming", "server/probe"})},
	{"DNS knows naming alone", []string{"server/dns"}, with(small, []string{"server/naming", "server/dns"})},
	{"rpc does not know web", []string{"server/rpc"}, with(small, domains, []string{"server/rpc", "server/metrics"})},
	{"servers for tests", []string{"server/servertest"}, []string{""}},
	{"pages import nothing of the server", []string{"views"}, []string{"views"}},
	{"assets import nothing", []string{"static"}, []string{"static"}},
	{"migrations import nothing", []string{"migrations"}, []string{"migrations"}},
	{"the API does not know pages", []string{"web/api"}, with(small, domains, []string{"server/view", "web/api", "web/park", "web/conn", "web/clientip", "server/metrics", "server/archive"})},
	{"web does not know rpc, store and replica", []string{"web"}, with(small, domains, []string{"server/view", "web", "views", "static", "server/metrics", "server/archive"})},
	{"commands talk to a server over HTTP", []string{"cli"}, with(small, []string{"cli", "server/config/transfer", "server/archive"})},
	{"end-to-end tests", []string{"e2e"}, []string{""}},
}

func TestLayersImportOnlyWhatIsBelowThem(t *testing.T) {
	for _, p := range packages(t) {
		if p.ImportPath == module || p.ImportPath == module+"/server" {
			continue // they put the parts together
		}
		i := slices.IndexFunc(layers, func(l layer) bool { return in(p.ImportPath, l.dirs...) })
		if i < 0 {
			t.Errorf("%s belongs to no layer: add it to the list in imports_test.go", p.ImportPath)
			continue
		}
		for _, imported := range p.Imports {
			if (imported == module || strings.HasPrefix(imported, module+"/")) && !in(imported, layers[i].may...) {
				t.Errorf("%s imports %s, but %s", p.ImportPath, imported, layers[i].name)
			}
		}
	}
}

func TestOnlyMainAndTestsImportTheServer(t *testing.T) {
	for _, p := range packages(t) {
		if p.ImportPath != module && !in(p.ImportPath, "server/servertest", "e2e") && slices.Contains(p.Imports, module+"/server") {
			t.Errorf("%s imports package server", p.ImportPath)
		}
	}
}

// owners are the only packages that may import a library.
var owners = []struct {
	library string
	dirs    []string
}{
	{"github.com/gofiber/", []string{"web"}},
	{"github.com/valyala/fasthttp", []string{"web"}},
	{"gorm.io/", []string{"server/store"}},
	{"github.com/go-sql-driver/mysql", []string{"server/store", "server/probe"}},
	{"github.com/mattn/go-sqlite3", []string{"server/store"}},
	{"github.com/pressly/goose", []string{"server/store"}},
	{"github.com/hashicorp/raft", []string{"server/replica"}},
	{"go.etcd.io/bbolt", []string{"server/replica"}},
	{"github.com/hashicorp/memberlist", []string{"server/cluster"}},
	{"github.com/fsnotify/fsnotify", []string{"server/cluster"}},
	{"github.com/miekg/dns", []string{"server/dns"}},
	{"golang.org/x/crypto", []string{"server/auth"}},
	{"google.golang.org/grpc", []string{"server/rpc", "server/probe"}},
	{"github.com/prometheus/", []string{"server/metrics"}},
	{"github.com/a-h/templ", []string{"views", "web/console"}},
	{"github.com/alecthomas/kong", []string{"cli"}},
	{"go.yaml.in/yaml", []string{"server/config/format"}},
	{"github.com/pelletier/go-toml", []string{"server/config/format"}},
	{"gopkg.in/yaml.v3", []string{"server/settings", "server/config/transfer", "cli"}},
}

func TestEveryLibraryHasOneOwner(t *testing.T) {
	for _, p := range packages(t) {
		for _, o := range owners {
			if in(p.ImportPath, o.dirs...) {
				continue
			}
			for _, imported := range p.Imports {
				if strings.HasPrefix(imported, o.library) {
					t.Errorf("%s imports %s, which belongs to %s", p.ImportPath, imported, strings.Join(o.dirs, ", "))
				}
			}
		}
	}
}

// TestTimeComesFromTheClock forbids time.Now, and time.Since and time.Until, which call it, outside
// package clock. Tests may use them.
func TestTimeComesFromTheClock(t *testing.T) {
	for path, file := range sources(t, func(path string) bool {
		return !strings.HasSuffix(path, "_test.go") && !strings.HasPrefix(path, "server/clock/") &&
			!strings.HasPrefix(path, "server/servertest/") && !strings.HasPrefix(path, "e2e/")
	}) {
		name := importName(file.ast, "time")
		if name == "" {
			continue
		}
		ast.Inspect(file.ast, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == name && slices.Contains([]string{"Now", "Since", "Until"}, sel.Sel.Name) {
				t.Errorf("%s:%d: time.%s: ask a clock.Clock", path, file.set.Position(sel.Pos()).Line, sel.Sel.Name)
			}
			return true
		})
	}
}

// TestFilesStayReadable forbids files that nobody reads to the end.
func TestFilesStayReadable(t *testing.T) {
	const most = 600
	for path, file := range sources(t, func(string) bool { return true }) {
		if ast.IsGenerated(file.ast) {
			continue
		}
		if n := file.set.Position(file.ast.FileEnd).Line; n > most {
			t.Errorf("%s has %d lines, at most %d are allowed", path, n, most)
		}
	}
}

type source struct {
	ast *ast.File
	set *token.FileSet
}

// sources parses every Go file of the tree that want accepts, by its path from the root.
func sources(t *testing.T, want func(path string) bool) map[string]source {
	t.Helper()
	files := make(map[string]source)
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{"node_modules", "data", "bin"}, d.Name())) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || !want(filepath.ToSlash(path)) {
			return nil
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		files[filepath.ToSlash(path)] = source{f, set}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// importName returns the name under which a file imports a package, "" when it doesn't.
func importName(f *ast.File, path string) string {
	for _, i := range f.Imports {
		if p, err := strconv.Unquote(i.Path.Value); err != nil || p != path {
			continue
		}
		if i.Name != nil {
			return i.Name.Name
		}
		return path
	}
	return ""
}
