package cli

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"nacre/server/resource"
)

// ImportCmd publishes the configurations of a ZIP or a folder.
type ImportCmd struct {
	Path            string  `arg:"" help:"A ZIP that Nacos or Nacre exported, a folder, or with --everything the archive that nacre export --everything wrote."`
	Namespace       string  `placeholder:"ID" help:"The namespace they go to; public is the default one. It must be given, but with --everything."`
	Policy          string  `enum:"abort,skip,overwrite" default:"abort" help:"What to do where a configuration is there with another content: abort (write nothing at all), skip (leave it) or overwrite."`
	DryRun          bool    `help:"Show what would happen, and write nothing."`
	RootGroup       *string `placeholder:"GROUP" help:"The group of a folder's files that stand in no folder of their own (default: DEFAULT_GROUP). Empty: every group has a folder, as in Nacos' ZIP."`
	CreateNamespace bool    `help:"Create the namespace where it does not exist."`
	Operator        string  `placeholder:"NAME" help:"Who makes the change, kept in the history (default: your user name)."`
	Yes             bool    `short:"y" help:"Overwrite without asking, where a terminal could be asked."`
	Verbose         bool    `short:"v" help:"List everything, however long."`
	everythingFlags
	serverFlags
}

// Help implements kong.HelpProvider.
func (*ImportCmd) Help() string {
	return `How the files of a folder are named: the first folder of a path is the group, the rest is the dataId.

  orders/app.yaml        group orders, dataId app.yaml
  orders/eu/app.yaml     group orders, dataId eu:app.yaml
  hosts                  group DEFAULT_GROUP (see --root-group), dataId hosts
  orders/my app.yaml     group orders, dataId my::20app.yaml

Letters, digits, '_', '-' and '.' stay as they are; '/' becomes ':', and any other byte "::" with two hex digits. A name that comes from no path this way (x::y, ..) is a file that begins with '='. The rule has an inverse: nacre export --format folder writes the same tree again. A folder with files in a folder DEFAULT_GROUP, or with .metadata.yml, is taken as an unpacked ZIP (--root-group ""). The type follows from the extension. docs/import.md has more.

Blank files, those that are not UTF-8 or too large, links and special files are left out, with the reason. A second import of the same changes nothing.

` + everythingHelp + `

Exit codes: 0 all is there now (or --dry-run), 1 failed, or part of it, 2 wrong usage.`
}

// maxShown is how many configurations of one state are listed without --verbose.
const maxShown = 20

// Run implements the command.
func (c *ImportCmd) Run(env *Env) error {
	switch {
	case c.Everything:
		return c.everything(env)
	case c.Namespace == "":
		return Usage("missing flags: --namespace=ID")
	}
	if err := resource.CheckNamespace(c.Namespace); err != nil || c.Namespace == "" {
		return Usage("--namespace is %q, it must have 1 to %d letters, digits, '_' and '-'", c.Namespace, resource.MaxNamespace)
	}
	server, err := c.client(env)
	if err != nil {
		return err
	}
	defer server.close()
	server.operator = cmp.Or(c.Operator, env.variable("USER"))
	src, err := openSource(c.Path, c.RootGroup)
	if err != nil {
		return err
	}
	defer src.close()
	run := &importing{ImportCmd: c, env: env, server: server, src: src, todo: make(map[string][]int)}
	return run.run()
}

// importing is one import under way.
type importing struct {
	*ImportCmd
	env    *Env
	server *client
	src    *contents
	plan   []planRow
	todo   map[string][]int // items by state
	made   bool             // the namespace exists
}

func (r *importing) run() error {
	if err := r.makePlan(); err != nil {
		return err
	}
	r.showPlan()
	conflicts := len(r.todo[stateConflict])
	switch {
	case r.DryRun:
		fmt.Fprintln(r.env.Stdout, "\nDry run: nothing was written.")
		return nil
	case conflicts > 0 && r.Policy == "abort":
		return fmt.Errorf("%s there with another content; nothing was written\n--policy skip leaves what is there, --policy overwrite replaces it.", are(conflicts, "configuration is", "configurations are"))
	case conflicts > 0 && r.Policy == "overwrite" && !r.Yes:
		if !r.env.ask(fmt.Sprintf("Replace the content of %s?", are(conflicts, "configuration", "configurations"))) {
			return errors.New("nothing was written")
		}
	}
	if err := r.makeNamespace(); err != nil {
		return err
	}
	return r.write()
}

func are(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// makePlan asks the server for the state of every item.
func (r *importing) makePlan() error {
	exists, err := r.server.namespaceExists(r.env.Context(), r.Namespace)
	if err != nil {
		return err
	}
	if r.made = exists; !exists && !r.CreateNamespace {
		return fmt.Errorf("there is no namespace %s at %s; --create-namespace creates it", r.Namespace, r.server.base)
	}
	const chunk = 5000
	for part := range slices.Chunk(r.src.items, chunk) {
		items := make([]planItem, len(part))
		for i, it := range part {
			items[i] = planItem{Group: it.Group, DataID: it.DataID, MD5: it.MD5, Size: it.Size}
		}
		rows, err := r.server.plan(r.env.Context(), r.Namespace, items)
		if err != nil {
			return err
		}
		r.plan = append(r.plan, rows...)
	}
	for i, row := range r.plan {
		if row.State == stateInvalid {
			r.src.leftOut = append(r.src.leftOut, leftOut{r.src.items[i].Path, "refused by the server", row.Reason})
			continue
		}
		r.todo[row.State] = append(r.todo[row.State], i)
	}
	return nil
}

func (r *importing) showPlan() {
	out := r.env.Stdout
	fmt.Fprintf(out, "%s into namespace %s at %s\n", r.Path, r.Namespace, r.server.base)
	if r.src.note != "" {
		fmt.Fprintf(out, "(%s)\n", r.src.note)
	}
	if !r.made {
		fmt.Fprintf(out, "(the namespace %s does not exist yet)\n", r.Namespace)
	}
	fmt.Fprintln(out)
	t := newTable(out)
	t.row("new", len(r.todo[stateNew]), "will be created")
	t.row("same", len(r.todo[stateSame]), "are there with the same content, nothing to do")
	t.row("conflict", len(r.todo[stateConflict]), map[string]string{
		"abort": "are there with another content: needs --policy skip or overwrite", "skip": "are there with another content, which stays", "overwrite": "are there with another content, will be replaced",
	}[r.Policy])
	t.row("left out", len(r.src.leftOut), reasons(r.src.leftOut))
	t.flush()
	r.list("new", r.todo[stateNew])
	r.list("conflict", r.todo[stateConflict])
	r.listLeftOut()
}

// reasons counts what was left out by reason, the most frequent first.
func reasons(list []leftOut) string {
	counts := make(map[string]int)
	for _, l := range list {
		counts[l.Kind]++
	}
	var kinds []string
	for k := range counts {
		kinds = append(kinds, k)
	}
	slices.SortFunc(kinds, func(a, b string) int { return cmp.Or(counts[b]-counts[a], strings.Compare(a, b)) })
	for i, k := range kinds {
		kinds[i] = fmt.Sprintf("%s: %d", k, counts[k])
	}
	return strings.Join(kinds, ", ")
}

func (r *importing) list(title string, items []int) {
	if len(items) == 0 {
		return
	}
	t := r.section(title, len(items))
	for n, i := range items {
		if !r.Verbose && n == maxShown {
			break
		}
		it := &r.src.items[i]
		from := ""
		if it.Path != it.Name.String() {
			from = display(it.Path)
		}
		t.row(it.Group, it.DataID, from)
	}
	more := len(items) - maxShown
	if r.Verbose {
		more = 0
	}
	r.end(t, more)
}

func (r *importing) listLeftOut() {
	if len(r.src.leftOut) == 0 {
		return
	}
	// Of each kind some, so that a thousand links do not hide the one file that is too large.
	const ofKind = 5
	counts, shown := make(map[string]int), 0
	t := r.section("left out", len(r.src.leftOut))
	for _, l := range r.src.leftOut {
		if counts[l.Kind]++; r.Verbose || counts[l.Kind] <= ofKind {
			t.row(display(l.Path), l.Text)
			shown++
		}
	}
	r.end(t, len(r.src.leftOut)-shown)
}

func (r *importing) section(title string, n int) *table {
	fmt.Fprintf(r.env.Stdout, "\n%s (%d)\n", title, n)
	return newTable(r.env.Stdout)
}

func (r *importing) end(t *table, more int) {
	t.flush()
	if more > 0 {
		fmt.Fprintf(r.env.Stdout, "  … and %d more; --verbose lists all\n", more)
	}
}

func (r *importing) makeNamespace() error {
	if r.made || len(r.src.items) == 0 {
		return nil
	}
	return r.server.createNamespace(r.env.Context(), r.Namespace)
}

// One request holds at most this much, so that the server decides it in few commands and the bar moves.
const (
	requestItems = 100
	requestBytes = 1 << 20
)

// written counts what became of the items.
type written struct {
	results map[string]int
	failed  []leftOut
}

// write publishes what is new and, with the policy overwrite, what is in conflict: each of these only
// where the content is still the one that the plan saw.
func (r *importing) write() error {
	todo := r.todo[stateNew]
	if r.Policy == "overwrite" {
		todo = append(todo, r.todo[stateConflict]...)
	}
	done := &written{results: make(map[string]int)}
	bar := newBar(r.env, "importing", len(todo))
	err := r.send(todo, done, bar)
	bar.end()
	r.showResult(done, len(todo))
	switch {
	case err != nil:
		return err
	case len(done.failed) > 0:
		return fmt.Errorf("%s not written", are(len(done.failed), "configuration was", "configurations were"))
	}
	return nil
}

func (r *importing) send(todo []int, done *written, bar *bar) error {
	var batch []importItem
	var at []int
	size, policy := 0, ""
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		rows, err := r.server.publish(r.env.Context(), r.Namespace, policy, batch)
		var refused *apiError
		if errors.As(err, &refused) && len(batch) == 1 && refused.Status != http.StatusServiceUnavailable {
			rows, err = []importRow{{Result: "refused", Reason: refused.Message}}, nil
		}
		if err != nil {
			return err
		}
		for j, row := range rows {
			done.count(r.src.items[at[j]].Path, row)
		}
		bar.add(len(batch))
		clear(batch)
		batch, at, size = batch[:0], at[:0], 0
		return nil
	}
	for _, i := range todo {
		it := &r.src.items[i]
		want := "skip" // what appears after the plan was shown is not replaced
		if r.plan[i].State == stateConflict {
			want = "overwrite"
		}
		if len(batch) == requestItems || size+int(it.Size) > requestBytes || want != policy {
			if err := flush(); err != nil {
				return err
			}
			policy = want
		}
		content, err := r.src.content(i)
		if err != nil {
			done.fail(it.Path, err.Error())
			bar.add(1)
			continue
		}
		batch, at, size = append(batch, r.item(i, content)), append(at, i), size+len(content)
	}
	return flush()
}

func (r *importing) item(i int, content []byte) importItem {
	it := &r.src.items[i]
	out := importItem{Group: it.Group, DataID: it.DataID, Content: string(content), Type: it.Type, Tags: it.Tags}
	if r.plan[i].State == stateConflict {
		out.IfMD5 = r.plan[i].MD5
	}
	if it.AppName != nil {
		out.AppName = *it.AppName
	}
	if it.Desc != nil {
		out.Desc = *it.Desc
	}
	return out
}

func (w *written) fail(path, why string) {
	w.results["failed"]++
	w.failed = append(w.failed, leftOut{Path: path, Text: why})
}

func (w *written) count(path string, row importRow) {
	switch row.Result {
	case "created", "updated", "same":
		w.results[row.Result]++
	case "skipped":
		w.fail(path, "somebody else published it meanwhile, with another content")
	default:
		w.fail(path, cmp.Or(row.Reason, row.Result))
	}
}

func (r *importing) showResult(done *written, todo int) {
	out := r.env.Stdout
	skipped := 0
	if r.Policy == "skip" {
		skipped = len(r.todo[stateConflict])
	}
	told := 0
	for _, n := range done.results {
		told += n
	}
	fmt.Fprintln(out, "\nresult")
	t := newTable(out)
	t.row("created", done.results["created"])
	t.row("updated", done.results["updated"])
	t.row("same", done.results["same"]+len(r.todo[stateSame]))
	t.row("skipped", skipped)
	t.row("failed", done.results["failed"])
	if told < todo {
		t.row("not tried", todo-told)
	}
	t.row("left out", len(r.src.leftOut))
	t.flush()
	if len(done.failed) > 0 {
		t := r.section("failed", len(done.failed))
		for _, f := range done.failed {
			t.row(display(f.Path), f.Text)
		}
		t.flush()
	}
}
