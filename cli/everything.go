package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"nacre/server/archive"
	"nacre/server/clock"
	"nacre/server/fault"
	"nacre/server/journal"
)

// everythingFlags are those of the commands that move everything.
type everythingFlags struct {
	Everything bool   `help:"Move everything that must not be lost, of all namespaces: see above."`
	User       string `default:"nacos" placeholder:"NAME" help:"With --everything: an administrator of the server; the password stands in NACRE_PASSWORD."`
}

const everythingHelp = `--everything moves all of a server in one archive, from and to any storage: configurations with variants, attributes and tags, their history, quotas, namespaces, users with the hashes of their passwords, persistent instances, overrides, descriptions of services and clusters, switches. Not: sessions, drafts, and what lives by connections and heartbeats. An administrator is needed: --user, and the password in NACRE_PASSWORD; where there is no administrator yet, the secret of the link in the server's log in NACRE_SETUP_TOKEN.`

// enter gets a ticket, and returns what the server can tell apart of times.
func (f *everythingFlags) enter(env *Env, server *client) (unit int64, err error) {
	in := map[string]string{"user": f.User, "password": env.variable("NACRE_PASSWORD")}
	if token := env.variable("NACRE_SETUP_TOKEN"); token != "" {
		in = map[string]string{"setUp": token}
	} else if in["password"] == "" {
		return 0, Usage("--everything needs the password of the administrator %s in NACRE_PASSWORD, or, where there is none yet, the secret at the end of the link in the server's log in NACRE_SETUP_TOKEN", f.User)
	}
	var answer struct {
		Ticket string
		UnitMs int64
	}
	if err := server.call(env.Context(), http.MethodPost, "/archive/tickets", nil, in, &answer); err != nil {
		return 0, err
	}
	server.ticket = answer.Ticket
	return max(answer.UnitMs, archive.Milliseconds), nil
}

// leave gives the ticket back; where that fails, it ends by itself.
func leave(server *client) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	var answer struct{ Existed bool }
	_ = server.call(ctx, http.MethodDelete, "/archive/tickets", nil, nil, &answer)
}

// everything exports all of a server.
func (c *ExportCmd) everything(env *Env) error {
	if c.Group != "" || c.DataID != "" || c.Format != "auto" || c.Namespace != "public" {
		return Usage("--everything takes all there is: --namespace, --group, --data-id and --format don't go with it")
	}
	out := cmp.Or(c.Out, "nacre_everything_"+clock.System{}.Now().Format("20060102150405")+".gz")
	if info, err := os.Lstat(out); err == nil && (!c.Force || info.IsDir()) {
		return Usage("%s exists; --force replaces a file", out)
	}
	server, err := c.client(env)
	if err != nil {
		return err
	}
	defer server.close()
	if _, err := c.enter(env, server); err != nil {
		return err
	}
	defer leave(server)
	f, err := os.CreateTemp(filepath.Dir(filepath.Clean(out)), ".nacre-export-*") // readable by its owner alone: it has hashes of passwords
	if err != nil {
		return fmt.Errorf("the export can't be written: %w", err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	answer, err := server.send(env.Context(), http.MethodGet, "/archive", nil, nil)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, answer.Body)
	answer.Body.Close()
	if err != nil {
		return fmt.Errorf("the export from %s broke off: %w", server.base, err)
	}
	whole, err := readArchive(f, archive.Milliseconds, nil)
	if err != nil {
		return fmt.Errorf("what %s sent is not whole: %s", server.base, fault.TextOf(err))
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("the export can't be written: %w", err)
	}
	if err := os.Rename(f.Name(), out); err != nil {
		return fmt.Errorf("the export can't be written: %w", err)
	}
	fmt.Fprintf(env.Stdout, "everything at %s, as of revision %d, written to %s\nIt has hashes of passwords: keep it as you keep those.\n\n", server.base, whole.revision, out)
	t := newTable(env.Stdout)
	for _, k := range archive.Kinds {
		t.row(k, whole.counts[k].Rows, whole.counts[k].Digest)
	}
	t.flush()
	return nil
}

// contentsOf is what was counted in an archive.
type contentsOf struct {
	header   archive.Header
	revision uint64
	counts   archive.Counts // with times as the server keeps them
}

// readArchive reads a whole archive from its begin and gives f, unless it is nil, each row.
func readArchive(in io.ReadSeeker, unit int64, f func(archive.Line, journal.Change) error) (*contentsOf, error) {
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	r, err := archive.NewReader(in)
	if err != nil {
		return nil, err
	}
	all := &contentsOf{header: r.Header, counts: archive.Counts{}}
	for {
		line, c, err := r.Next()
		if errors.Is(err, io.EOF) {
			all.revision = r.Revision
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all.counts.Add(line.Kind, archive.DigestOf(c, unit))
		if f != nil {
			if err := f(line, c); err != nil {
				return nil, err
			}
		}
	}
}

// moving is one import of everything under way.
type moving struct {
	*ImportCmd
	env    *Env
	server *client
	in     *os.File
	unit   int64
	rows   int64
	states map[archive.Kind]map[string]int64
	held   archive.Counts
	odd    []oddRow // in conflict or refused, the first of them
}

type oddRow struct {
	kind archive.Kind
	archive.Row
}

// A request has at most so many rows, and bytes.
const (
	moveRows  = 2000
	moveBytes = 2 << 20
)

// everything imports an archive: it is read and checked as a whole, then planned, then written, and in the end compared.
func (c *ImportCmd) everything(env *Env) error {
	if c.Namespace != "" || c.RootGroup != nil || c.CreateNamespace || c.Operator != "" {
		return Usage("--everything takes all there is as it is: --namespace, --root-group, --create-namespace and --operator don't go with it")
	}
	f, err := os.Open(c.Path)
	if err != nil {
		return Usage("%v", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.IsDir() {
		return Usage("%s is a folder, not an archive of everything", c.Path)
	}
	if _, err := readArchive(f, archive.Milliseconds, nil); err != nil {
		return fmt.Errorf("%s: %s", c.Path, fault.TextOf(err))
	}
	server, err := c.client(env)
	if err != nil {
		return err
	}
	defer server.close()
	m := &moving{ImportCmd: c, env: env, server: server, in: f}
	if m.unit, err = c.enter(env, server); err != nil {
		return err
	}
	defer leave(server)
	return m.run()
}

func (m *moving) run() error {
	all, err := m.pass("planning", true)
	if err != nil {
		return err
	}
	fmt.Fprintf(m.env.Stdout, "everything of %s, as of revision %d, to %s\n\n", m.Path, all.revision, m.server.base)
	m.show()
	conflicts, refused := m.sum(archive.StateConflict), m.sum(archive.StateRefused)
	switch {
	case m.DryRun:
		fmt.Fprintln(m.env.Stdout, "\nDry run: nothing was written.")
		return nil
	case m.Policy == "abort" && conflicts+refused > 0:
		return fmt.Errorf("%s there and differ, %d can't be taken; nothing was written\n--policy skip takes the others, --policy overwrite replaces what differs", are(int(conflicts), "row is", "rows are"), refused)
	case m.Policy == "overwrite" && m.sum(archive.StateReplaced) > 0 && !m.Yes && !m.env.ask(fmt.Sprintf("Replace %d rows?", m.sum(archive.StateReplaced))):
		return errors.New("nothing was written")
	}
	if _, err := m.pass("writing", false); err != nil {
		return fmt.Errorf("%w\n%d of %d rows were taken over by then, each as a whole. Run the same again: what is there is left alone.", err, m.rows, all.counts.Total())
	}
	fmt.Fprintln(m.env.Stdout, "\nwritten:")
	m.show()
	if _, err := m.pass("comparing", true); err != nil {
		return fmt.Errorf("all rows were written, but could not be compared: %w\nRun the same again to compare.", err)
	}
	return m.compare(all)
}

// pass sends every row, to be planned or written. It stops where ctx ends.
func (m *moving) pass(label string, dry bool) (*contentsOf, error) {
	total := m.total()
	m.states, m.held, m.odd, m.rows = make(map[archive.Kind]map[string]int64), archive.Counts{}, nil, 0
	var lines []archive.Line
	size, second := 0, int64(0)
	progress := newBar(m.env, label, total)
	flush := func() error {
		if len(lines) == 0 {
			return nil
		}
		err := m.send(lines, dry)
		progress.add(len(lines))
		lines, size = lines[:0], 0
		return err
	}
	all, err := readArchive(m.in, m.unit, func(l archive.Line, c journal.Change) error {
		now := second
		if l.Kind == archive.History {
			now = archive.SecondOf(c)
		}
		n := len(l.Row)
		// Rows of history of one second stay together where they can: those that are alike are counted.
		full := (len(lines) >= moveRows || size+n > moveBytes) && (l.Kind != archive.History || now != second || len(lines) >= 2*moveRows || size+n > 2*moveBytes)
		if len(lines) > 0 && (full || lines[0].Kind != l.Kind) {
			if err := flush(); err != nil {
				return err
			}
		}
		second = now
		l.Row = append([]byte(nil), l.Row...)
		lines, size = append(lines, l), size+n
		return nil
	})
	if err == nil {
		err = flush()
	}
	progress.end()
	return all, err
}

// total is how many rows the last pass had, 0 before the first.
func (m *moving) total() int {
	n := 0
	for _, states := range m.states {
		for _, k := range states {
			n += int(k)
		}
	}
	return n
}

func (m *moving) send(lines []archive.Line, dry bool) error {
	query := url.Values{"policy": {"skip"}}
	if m.Policy == "overwrite" {
		query.Set("policy", "overwrite")
	}
	if dry {
		query.Set("dryRun", "true")
	}
	var answer struct {
		Rows []archive.Row
		Held []struct {
			Kind   archive.Kind
			Rows   int64
			Digest archive.Digest
		}
	}
	if err := m.server.call(m.env.Context(), http.MethodPost, "/archive/rows", query, map[string]any{"rows": lines}, &answer); err != nil {
		return err
	}
	if len(answer.Rows) != len(lines) {
		return fmt.Errorf("%s told of %d rows of %d", m.server.base, len(answer.Rows), len(lines))
	}
	kind := lines[0].Kind
	if m.states[kind] == nil {
		m.states[kind] = make(map[string]int64)
	}
	for _, r := range answer.Rows {
		m.states[kind][r.State]++
		if (r.State == archive.StateConflict || r.State == archive.StateRefused) && (m.Verbose || len(m.odd) < maxShown) {
			m.odd = append(m.odd, oddRow{kind, r})
		}
	}
	for _, h := range answer.Held {
		n := m.held[h.Kind]
		m.held[h.Kind] = archive.Count{Rows: n.Rows + h.Rows, Digest: n.Digest.Add(h.Digest)}
	}
	m.rows += int64(len(lines))
	return nil
}

func (m *moving) sum(state string) (n int64) {
	for _, states := range m.states {
		n += states[state]
	}
	return n
}

// show prints what became of the rows of the last pass, or would.
func (m *moving) show() {
	t := newTable(m.env.Stdout)
	t.row("kind", "new", "same", "replaced", "conflict", "refused")
	for _, k := range archive.Kinds {
		if s := m.states[k]; s != nil {
			t.row(k, s[archive.StateNew], s[archive.StateSame], s[archive.StateReplaced], s[archive.StateConflict], s[archive.StateRefused])
		}
	}
	t.flush()
	for i, o := range m.odd {
		if i == 0 {
			fmt.Fprintln(m.env.Stdout)
		}
		t.row(o.State, o.kind, display(o.Name), o.Reason)
	}
	t.flush()
}

// compare prints both sides, and returns an error when they differ.
func (m *moving) compare(all *contentsOf) error {
	fmt.Fprintln(m.env.Stdout, "\ncompared, contents by their md5:")
	t := newTable(m.env.Stdout)
	t.row("kind", "archive", "server", "digest of the archive", "digest of the server", "")
	differ := 0
	for _, k := range archive.Kinds {
		want, has := all.counts[k], m.held[k]
		word := "same"
		if want != has {
			word = "DIFFERS"
			differ++
		}
		t.row(k, want.Rows, has.Rows, want.Digest, has.Digest, word)
	}
	t.flush()
	if differ > 0 {
		return fmt.Errorf("the server differs from the archive in %s", are(differ, "kind", "kinds"))
	}
	return nil
}
