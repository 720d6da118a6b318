package console

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"nacre/server/fault"
	"nacre/server/namespace"
	"nacre/server/resource"
	views "nacre/views/namespaces"
	"nacre/views/parts"
	"nacre/views/words"
)

const (
	pathNamespaceEdit   = pathNamespaces + "/edit"
	pathNamespaceRemove = pathNamespaces + "/remove"
	namespacesPerPage   = 100
)

func (p *pages) namespacesRoutes(r fiber.Router) {
	r.Get(pathNamespaces, p.signedIn((*visit).namespaceList))
	r.Post(pathNamespaces, p.signedIn((*visit).addNamespace))
	r.Get(pathNamespaceEdit, p.signedIn((*visit).editNamespace))
	r.Post(pathNamespaceEdit, p.signedIn((*visit).saveNamespace))
	r.Post(pathNamespaceRemove, p.signedIn((*visit).removeNamespace))
}

func (v *visit) namespaceActor() namespace.Actor {
	a := v.actor()
	return namespace.Actor{User: a.User, IP: a.IP}
}

func (v *visit) namespaceList() error { return v.showNamespaces(fiber.StatusOK, views.Form{}, "") }

// showNamespaces lists them beside the form f. Problem says why something was not done to one of the list.
func (v *visit) showNamespaces(status int, f views.Form, problem string) error {
	w := &v.w.Namespaces
	m := views.List{Page: v.frame(w.Title, pathNamespaces), Words: w, Form: v.namespaceForm(f, pathNamespaces, w.NewButton), Problem: problem, Filter: v.c.Query("q")}
	list := v.namespacesWith(m.Filter)
	page := min(v.number("page", 1), max((len(list)+namespacesPerPage-1)/namespacesPerPage, 1))
	from := (page - 1) * namespacesPerPage
	for _, n := range list[from:min(from+namespacesPerPage, len(list))] {
		m.Rows = append(m.Rows, v.namespaceRow(n))
	}
	if len(list) == 0 {
		m.Empty = &parts.Empty{Icon: "search", Title: w.None, Text: m.Filter}
	}
	q := url.Values{}
	if m.Filter != "" {
		q.Set("q", m.Filter)
	}
	m.Pager = v.pager(pathNamespaces, q, page, namespacesPerPage, len(list))
	v.c.Status(status)
	return v.render(views.ListPage(m))
}

// namespacesWith returns those of which name or id has text in it, in whatever case; the default one first.
func (v *visit) namespacesWith(text string) []*namespace.Namespace {
	text = strings.ToLower(strings.TrimSpace(text))
	all := append([]*namespace.Namespace{{ID: resource.DefaultNamespace, Name: resource.DefaultNamespace, Desc: v.w.Namespaces.DefaultDesc}}, v.Namespaces.All()...)
	return slices.DeleteFunc(all, func(n *namespace.Namespace) bool {
		return !strings.Contains(strings.ToLower(n.Name+" "+n.ID), text)
	})
}

func (v *visit) namespaceRow(n *namespace.Namespace) views.Row {
	w := &v.w.Namespaces
	r := views.Row{
		Namespace: v.namespaceChoice(n.ID, n.Name, pathConfigs), Desc: n.Desc, Default: n.ID == resource.DefaultNamespace, Created: v.moment(n.CreatedMs),
		ConfigsHref: pathConfigs + "?" + url.Values{"ns": {n.ID}}.Encode(), Edit: pathNamespaceEdit + "?" + url.Values{"id": {n.ID}}.Encode(),
		EditLabel: v.w.Parts.Edit + ": " + n.Name,
	}
	if held := v.Configs.CountIn(n.ID); held > 0 {
		r.NotEmpty = words.Fill(w.NotEmpty, v.w.Number(held))
		return r
	}
	r.Remove = &parts.Confirm{
		ID: "remove-" + n.ID, Title: words.Fill(w.RemoveTitle, n.Name), Text: w.RemoveText, Action: pathNamespaceRemove, Button: v.w.Parts.Delete,
		Hidden: [][2]string{{"id", n.ID}}, CSRF: v.csrf(), Words: &v.w.Parts,
	}
	if r.Protected {
		r.Remove.Typed = n.Name
	}
	return r
}

// namespaceForm completes a form, of which values and errors are given.
func (v *visit) namespaceForm(f views.Form, action, button string) views.Form {
	w := &v.w.Namespaces
	f.Action, f.Button = action, button
	f.Name.Name, f.Name.Label, f.Name.Hint, f.Name.Required, f.Name.MaxLength = "name", w.Name, w.NameHint, true, strconv.Itoa(namespace.MaxName)
	f.ID.Name, f.ID.Label, f.ID.Autocomplete = "id", w.ID, "off"
	if !f.ID.ReadOnly {
		f.ID.Hint = w.IDHint
	}
	f.Desc.Name, f.Desc.Label, f.Desc.MaxLength = "desc", v.w.Parts.Desc, strconv.Itoa(namespace.MaxDesc)
	return f
}

// namespaceTyped is the form as it was filled in.
func (v *visit) namespaceTyped() views.Form {
	return views.Form{Name: parts.Field{Value: v.c.FormValue("name")}, ID: parts.Field{Value: v.c.FormValue("id")}, Desc: parts.Field{Value: v.c.FormValue("desc")}}
}

// namespaceRefused puts an error where it belongs in the form.
func (v *visit) namespaceRefused(f *views.Form, err error) (status int) {
	w := &v.w.Namespaces
	switch fault.CodeOf(err) {
	case namespace.CodeIllegal:
		f.ID.Error = w.IDBad
	case namespace.CodeExists:
		f.ID.Error = w.IDTaken
		return fiber.StatusConflict
	case namespace.CodeIllegalName:
		if utf8.RuneCountInString(f.Desc.Value) > namespace.MaxDesc {
			f.Desc.Error = words.Fill(w.DescBad, strconv.Itoa(namespace.MaxDesc))
		} else {
			f.Name.Error = w.NameBad
		}
	case namespace.CodeTooMany:
		f.Problem = words.Fill(w.TooMany, v.w.Number(int64(v.Namespaces.Len())))
		return fiber.StatusTooManyRequests
	default:
		return 0
	}
	return fiber.StatusBadRequest
}

func (v *visit) addNamespace() error {
	f := v.namespaceTyped()
	id := strings.TrimSpace(f.ID.Value)
	if id == "" {
		id = uuid.NewString()
	}
	err := v.Namespaces.Create(v.c.UserContext(), v.namespaceActor(), id, strings.TrimSpace(f.Name.Value), strings.TrimSpace(f.Desc.Value))
	if err != nil {
		if status := v.namespaceRefused(&f, err); status != 0 {
			return v.showNamespaces(status, f, "")
		}
		return err
	}
	return v.done(pathNamespaces, words.Fill(v.w.Namespaces.Added, f.Name.Value), "")
}

func noNamespace(id string) error {
	return fault.New(fault.NotFound, "there is no namespace with the id %q", id)
}

func (v *visit) editNamespace() error {
	n := v.Namespaces.Get(v.c.Query("id"))
	if n == nil {
		return noNamespace(v.c.Query("id"))
	}
	return v.showNamespace(fiber.StatusOK, n, views.Form{Name: parts.Field{Value: n.Name}, Desc: parts.Field{Value: n.Desc}})
}

func (v *visit) showNamespace(status int, n *namespace.Namespace, f views.Form) error {
	w := &v.w.Namespaces
	f.ID.Value, f.ID.ReadOnly = n.ID, true
	title := words.Fill(w.EditTitle, n.Name)
	m := views.Edit{
		Page: v.frame(title, pathNamespaces), Words: w, Title: title, Crumbs: []parts.Crumb{{Href: pathNamespaces, Text: w.Title}, {Text: n.Name}},
		Form: v.namespaceForm(f, pathNamespaceEdit, v.w.Parts.Save),
	}
	v.c.Status(status)
	return v.render(views.EditPage(m))
}

func (v *visit) saveNamespace() error {
	f := v.namespaceTyped()
	n := v.Namespaces.Get(f.ID.Value)
	existed, err := v.Namespaces.Update(v.c.UserContext(), v.namespaceActor(), f.ID.Value, strings.TrimSpace(f.Name.Value), strings.TrimSpace(f.Desc.Value))
	if err != nil && n != nil {
		if status := v.namespaceRefused(&f, err); status != 0 {
			return v.showNamespace(status, n, f)
		}
	}
	if err != nil {
		return err
	}
	if !existed {
		return noNamespace(f.ID.Value)
	}
	return v.done(pathNamespaces, words.Fill(v.w.Namespaces.Saved, f.Name.Value), "")
}

func (v *visit) removeNamespace() error {
	id := v.c.FormValue("id")
	name := v.namespaceName(id)
	if held := v.Configs.CountIn(id); held > 0 {
		return v.showNamespaces(fiber.StatusConflict, views.Form{}, name+": "+words.Fill(v.w.Namespaces.NotEmpty, v.w.Number(held)))
	}
	if v.protected(id) && v.c.FormValue("typed") != name {
		return v.showNamespaces(fiber.StatusBadRequest, views.Form{}, words.Fill(v.w.Parts.TypeToConfirm, name))
	}
	switch existed, err := v.Namespaces.Remove(v.c.UserContext(), v.namespaceActor(), id); {
	case err != nil:
		return err
	case !existed:
		return noNamespace(id)
	}
	return v.done(pathNamespaces, words.Fill(v.w.Namespaces.Removed, name), "")
}
