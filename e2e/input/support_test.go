// Package input runs Nacre on configurations that nobody made for it: the files of this machine's
// /etc, and what the jars of well-known Spring libraries have inside.
package input

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"nacre/cli"
	"nacre/server/config/transfer"
	"nacre/server/servertest"
)

// nacre runs a command of the command line against a server.
func nacre(t *testing.T, s *servertest.Server, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errOut bytes.Buffer
	code = cli.Main(t.Context(), args, cli.Env{Stdout: &out, Stderr: &errOut, Environ: []string{"NACRE_SERVER=" + s.URL, "USER=tester"}})
	return code, out.String(), errOut.String()
}

// must is nacre for commands that have to succeed.
func must(t *testing.T, s *servertest.Server, args ...string) string {
	t.Helper()
	code, out, stderr := nacre(t, s, args...)
	if code != cli.ExitOK || stderr != "" {
		t.Fatalf("nacre %s: exit code %d\n%s\n%s", strings.Join(args, " "), code, stderr, out)
	}
	return out
}

// number returns the number behind a word in a table that a command printed after the line title.
func number(t *testing.T, out, title, word string) int {
	t.Helper()
	_, table, ok := strings.Cut(out, title)
	m := regexp.MustCompile(`(?m)^ +` + word + ` +(\d+)`).FindStringSubmatch(table)
	if !ok || m == nil {
		t.Fatalf("no %s %s in:\n%s", title, word, out)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// tree maps paths to contents.
type tree map[string]string

func readTree(t *testing.T, dir string) tree {
	t.Helper()
	files := make(tree)
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		files[rel] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func (f tree) write(t *testing.T, dir string) {
	t.Helper()
	for p, content := range f {
		full := filepath.Join(dir, p)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// compare reports each file that one of the trees has and the other has not, or not byte for byte.
func compare(t *testing.T, want, got tree) {
	t.Helper()
	for p, content := range want {
		switch back, ok := got[p]; {
		case !ok:
			t.Errorf("%q did not come back", p)
		case back != content:
			t.Errorf("%q came back with %d bytes, it had %d", p, len(back), len(content))
		}
	}
	for p := range got {
		if _, ok := want[p]; !ok {
			t.Errorf("%q came back, but was not there", p)
		}
	}
}

// importable returns the files that the rules of an import take, found out in another way than the import does.
func importable(all tree, layout transfer.Layout) tree {
	files := make(tree)
	for p, content := range all {
		ink := strings.IndexFunc(content, func(r rune) bool { return r > ' ' }) >= 0
		if _, err := layout.Key(p); err == nil && ink && utf8.ValidString(content) && len(content) <= 10<<20 {
			files[p] = content
		}
	}
	return files
}

// checkServed reads every file's configuration as a client does.
func checkServed(t *testing.T, s *servertest.Server, namespace string, files tree, layout transfer.Layout) {
	t.Helper()
	for p, content := range files {
		n, err := layout.Key(p)
		if err != nil {
			t.Fatal(err)
		}
		q := url.Values{"dataId": {n.DataID}, "group": {n.Group}, "tenant": {namespace}}
		status, body := get(t, s.URL+"/nacos/v1/cs/configs?"+q.Encode())
		if status != http.StatusOK || body != content {
			t.Errorf("%s: status %d, %d bytes, the file has %d", n, status, len(body), len(content))
		}
	}
}

func get(t *testing.T, address string) (int, string) {
	t.Helper()
	res, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// state is what the server tells of itself.
type state struct {
	Revision uint64
	Counts   struct{ WaitingClients int }
	Writes   struct{ Published uint64 }
}

func stateOf(t *testing.T, s *servertest.Server) state {
	t.Helper()
	status, body := get(t, s.URL+"/nacre/v1/status")
	var st state
	if err := json.Unmarshal([]byte(body), &st); err != nil || status != http.StatusOK {
		t.Fatalf("status %d, %v: %s", status, err, body)
	}
	return st
}

// poll waits for a change of the files as Nacos' clients do; the answer comes through the channel.
func poll(t *testing.T, s *servertest.Server, namespace string, files tree, layout transfer.Layout) <-chan string {
	t.Helper()
	var list strings.Builder
	for p, content := range files {
		n, err := layout.Key(p)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&list, "%s\x02%s\x02%s\x02%s\x01", n.DataID, n.Group, md5Hex(content), namespace)
	}
	before := stateOf(t, s).Counts.WaitingClients
	answer := make(chan string, 1)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	form := url.Values{"Listening-Configs": {list.String()}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/nacos/v1/cs/configs/listener", strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Long-Pulling-Timeout", "40000")
	go func() {
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			body = []byte(err.Error())
		}
		answer <- string(body)
	}()
	for range 400 {
		if stateOf(t, s).Counts.WaitingClients > before {
			return answer
		}
		select {
		case a := <-answer:
			t.Fatalf("the poll was answered before anything changed: %q", a)
		case <-time.After(5 * time.Millisecond):
		}
	}
	t.Fatal("the poll does not wait")
	return nil
}
