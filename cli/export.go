package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"nacre/server/clock"
	"nacre/server/config/transfer"
	"nacre/server/fault"
	"nacre/server/resource"
)

// ExportCmd writes the configurations of a namespace to a ZIP or a folder.
type ExportCmd struct {
	Namespace string `default:"public" placeholder:"ID" help:"The namespace; public, the default one, without it."`
	Out       string `placeholder:"PATH" help:"The ZIP or folder to write (default: nacos_config_export_<time>.zip here)."`
	Format    string `enum:"zip,folder,auto" default:"auto" help:"zip or folder (default: folder when --out is one or ends with a slash)."`
	Group     string `help:"Only those of this group."`
	DataID    string `name:"data-id" help:"Only those with this dataId, in which * stands for any characters."`
	RootGroup string `default:"DEFAULT_GROUP" placeholder:"GROUP" help:"The group whose files stand in no folder of their own. Empty: every group has a folder, as in the ZIP."`
	Force     bool   `help:"Replace a file that exists."`
	everythingFlags
	serverFlags
}

// Help implements kong.HelpProvider.
func (*ExportCmd) Help() string {
	return `A ZIP can be imported by Nacos and Nacre; it keeps type, description, application and tags. A folder has the contents alone, in files that are named by the rule which nacre import --help describes: importing them gives the same names again. Files that are there with the same content are not touched, files of other names stay.

` + everythingHelp + `

Exit codes: 0 done, 1 failed, or part of it, 2 wrong usage.`
}

// Run implements the command.
func (c *ExportCmd) Run(env *Env) error {
	if c.Everything {
		return c.everything(env)
	}
	if err := resource.CheckNamespace(c.Namespace); err != nil || c.Namespace == "" {
		return Usage("--namespace is %q, it must have 1 to %d letters, digits, '_' and '-'", c.Namespace, resource.MaxNamespace)
	}
	if err := resource.CheckName(resource.FieldGroup, c.RootGroup); err != nil {
		return Usage("--root-group: %v", err)
	}
	folder, err := c.isFolder()
	if err != nil {
		return err
	}
	server, err := c.client(env)
	if err != nil {
		return err
	}
	defer server.close()
	exists, err := server.namespaceExists(env.Context(), c.Namespace)
	if err != nil {
		return err
	}
	run := &exporting{ExportCmd: c, env: env, server: server}
	if n, err := server.count(env.Context(), c.Namespace); err != nil {
		return err
	} else if n == 0 && !exists {
		return fmt.Errorf("there is no namespace %s at %s", c.Namespace, server.base)
	} else if c.Group == "" && c.DataID == "" {
		run.expected = n
	}
	if folder {
		return run.folder()
	}
	return run.zip()
}

func (c *ExportCmd) isFolder() (bool, error) {
	info, err := os.Stat(c.Out)
	isDir := err == nil && info.IsDir()
	switch {
	case c.Format == "zip" && isDir:
		return false, Usage("--out %s is a folder; --format zip needs the name of a file", c.Out)
	case c.Format == "folder" && c.Out == "":
		return false, Usage("--format folder needs --out, the folder to write to")
	case c.Format == "folder" && err == nil && !isDir:
		return false, Usage("--out %s is a file, --format folder needs a folder", c.Out)
	case c.Format == "auto":
		return isDir || strings.HasSuffix(c.Out, "/"), nil
	}
	return c.Format == "folder", nil
}

// exporting is one export under way.
type exporting struct {
	*ExportCmd
	env    *Env
	server *client
	// expected is how many configurations there are, 0 when only some are asked for.
	expected int
}

func (r *exporting) query() url.Values {
	q := url.Values{"namespace": {r.Namespace}}
	if r.Group != "" {
		q.Set("group", r.Group)
	}
	if r.DataID != "" {
		q.Set("dataId", r.DataID)
	}
	return q
}

// fetch gets the ZIP into a new file of the folder dir, which the caller removes, and opens it.
func (r *exporting) fetch(dir string) (*os.File, *transfer.Archive, error) {
	f, err := os.CreateTemp(dir, ".nacre-export-*")
	if err != nil {
		return nil, nil, fmt.Errorf("the export can't be written: %w", err)
	}
	a, err := r.fetchInto(f)
	if err != nil {
		f.Close()
		os.Remove(f.Name())
		return nil, nil, err
	}
	return f, a, nil
}

func (r *exporting) fetchInto(f *os.File) (*transfer.Archive, error) {
	if err := r.server.export(r.env.Context(), r.query(), f); err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	a, err := transfer.Open(f, info.Size(), transfer.Limits{MaxEntries: 1 << 20, MaxUnpacked: 16 << 30, MaxContent: 1 << 30})
	switch code := fault.CodeOf(err); {
	case code == transfer.CodeEmpty || code == transfer.CodeMetadata && r.expected == 0:
		return nil, fmt.Errorf("there is no configuration to export in namespace %s", r.Namespace)
	case err != nil:
		return nil, fmt.Errorf("the ZIP that %s sent: %s", r.server.base, fault.TextOf(err))
	}
	return a, nil
}

// missing names what the server did not put into the ZIP.
func (r *exporting) missing(a *transfer.Archive) error {
	if n := r.expected - len(a.Items); n > 0 {
		return fmt.Errorf("%s not exported: a name with '.' or '..' for a part can't be in a ZIP, or it was removed meanwhile", are(n, "configuration was", "configurations were"))
	}
	return nil
}

func (r *exporting) zip() error {
	out := r.Out
	if _, err := os.Lstat(out); err == nil && !r.Force {
		return Usage("%s exists; --force replaces it", out)
	}
	f, a, err := r.fetch(filepath.Dir(filepath.Clean(out)))
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := errors.Join(f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("the ZIP can't be written: %w", err)
	}
	if out == "" {
		out = transfer.FileName(clock.System{}.Now())
	}
	if err := os.Rename(f.Name(), out); err != nil {
		return fmt.Errorf("the ZIP can't be written: %w", err)
	}
	fmt.Fprintf(r.env.Stdout, "%s of namespace %s written to %s\n", are(len(a.Items), "configuration", "configurations"), r.Namespace, out)
	return r.missing(a)
}

func (r *exporting) folder() error {
	f, a, err := r.fetch("")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if err := os.MkdirAll(r.Out, 0o755); err != nil {
		return fmt.Errorf("the folder can't be made: %w", err)
	}
	root, err := os.OpenRoot(r.Out)
	if err != nil {
		return fmt.Errorf("the folder can't be written: %w", err)
	}
	defer root.Close()
	w := &treeWriter{root: root, archive: a, layout: transfer.Layout{RootGroup: r.RootGroup}}
	w.plan()
	bar := newBar(r.env, "writing", len(w.paths))
	for i, p := range w.paths {
		if p != "" {
			w.write(i, p)
		}
		bar.add(1)
	}
	bar.end()
	r.showFolder(w)
	if len(w.failed) > 0 {
		return fmt.Errorf("%s not written", are(len(w.failed), "configuration was", "configurations were"))
	}
	return r.missing(a)
}

func (r *exporting) showFolder(w *treeWriter) {
	out := r.env.Stdout
	fmt.Fprintf(out, "namespace %s to %s\n\n", r.Namespace, r.Out)
	t := newTable(out)
	t.row("written", w.written)
	t.row("unchanged", w.unchanged)
	t.row("failed", len(w.failed))
	t.flush()
	if len(w.failed) > 0 {
		fmt.Fprintf(out, "\nfailed (%d)\n", len(w.failed))
		for _, f := range w.failed {
			t.row(f.Path, f.Text)
		}
		t.flush()
	}
	if n := w.described(); n > 0 {
		fmt.Fprintf(out, "\nOf %s the files do not keep the type, description, application or tags; --format zip does.\n", are(n, "configuration", "configurations"))
	}
}

// treeWriter writes the items of an archive as files.
type treeWriter struct {
	root               *os.Root
	archive            *transfer.Archive
	layout             transfer.Layout
	paths              []string // of each item, "" when it has none
	written, unchanged int
	failed             []leftOut // by group/dataId
}

func (w *treeWriter) fail(i int, format string, args ...any) {
	w.failed = append(w.failed, leftOut{Path: w.archive.Items[i].Name.String(), Text: fmt.Sprintf(format, args...)})
}

// plan names the files. One that would have to be a folder for another is not written.
func (w *treeWriter) plan() {
	w.paths = make([]string, len(w.archive.Items))
	folders := make(map[string]bool)
	for i, it := range w.archive.Items {
		w.paths[i] = w.layout.Path(it.Name)
		for dir := path.Dir(w.paths[i]); dir != "."; dir = path.Dir(dir) {
			folders[dir] = true
		}
	}
	for i, p := range w.paths {
		if folders[p] {
			w.fail(i, "the file %s would stand where a folder of that name is needed (see --root-group; --format zip has no such limit)", p)
			w.paths[i] = ""
		}
	}
}

func (w *treeWriter) write(i int, p string) {
	content, err := w.archive.Content(i)
	if err != nil {
		w.fail(i, "%s", fault.TextOf(err))
		return
	}
	if held, err := readRegular(w.root, p, int64(len(content))); err == nil && bytes.Equal(held, content) {
		w.unchanged++
		return
	}
	if err := writeFile(w.root, p, content); err != nil {
		w.fail(i, "%v", cause(err))
		return
	}
	w.written++
}

// readRegular reads a file that has the size given; every other is an error.
func readRegular(root *os.Root, p string, size int64) ([]byte, error) {
	info, err := root.Lstat(p)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() != size {
		return nil, fs.ErrInvalid
	}
	f, err := root.Open(p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, size+1))
}

// writeFile puts a file in place at once, its folders included.
func writeFile(root *os.Root, p string, content []byte) error {
	if dir := path.Dir(p); dir != "." {
		if err := root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	temp := path.Join(path.Dir(p), ".nacre-export.tmp")
	err := root.WriteFile(temp, content, 0o644)
	if err == nil {
		err = root.Rename(temp, p)
	}
	if err != nil {
		root.Remove(temp)
	}
	return err
}

// described counts the items that have attributes which a file does not keep.
func (w *treeWriter) described() int {
	n := 0
	for i, it := range w.archive.Items {
		if w.paths[i] == "" {
			continue
		}
		text := func(s *string) bool { return s != nil && *s != "" }
		if it.Type != transfer.FileTypeOf(w.paths[i]) || text(it.AppName) || text(it.Desc) || !slices.Equal(it.Tags, nil) {
			n++
		}
	}
	return n
}
