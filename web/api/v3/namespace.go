package v3

import (
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"nacre/server/fault"
	"nacre/server/namespace"
	"nacre/server/resource"
	"nacre/web/api/wire"
)

func (a *api) listNamespaces(c *fiber.Ctx, _ *wire.Params) error {
	all := a.Namespaces.All()
	out := make([]wire.NamespaceInfo, 0, len(all)+1)
	out = append(out, a.DefaultNamespaceInfo(resource.DefaultNamespace))
	for _, n := range all {
		out = append(out, a.NamespaceInfoOf(n, wire.NamespaceTypeCustom))
	}
	return wire.OK(c, out)
}

// checkNamespaces makes the parameter check, which Nacos has on the console's side only.
func checkNamespaces(p *wire.Params, s side) error {
	if s == console {
		if text := p.CheckConsole(); text != "" {
			return wire.CheckFailure(text)
		}
	}
	return nil
}

func (a *api) getNamespace(c *fiber.Ctx, p *wire.Params, s side) error {
	if err := checkNamespaces(p, s); err != nil {
		return err
	}
	id, err := argument(p, "namespaceId")
	if err != nil {
		return err
	}
	if wire.Namespace(id) == resource.DefaultNamespace {
		return wire.OK(c, a.DefaultNamespaceInfo(id))
	}
	n := a.Namespaces.Get(id)
	if n == nil {
		return wire.Refuse(404, wire.NamespaceNotExist, "namespaceId [ "+id+" ] not exist")
	}
	return wire.OK(c, a.NamespaceInfoOf(n, wire.NamespaceTypeCustom))
}

func absentInForm(name string) error {
	return wire.Missing("required parameter '" + name + "' is missing")
}

func (a *api) createNamespace(c *fiber.Ctx, p *wire.Params, s side) error {
	if err := checkNamespaces(p, s); err != nil {
		return err
	}
	idName := "namespaceId"
	if s == console {
		idName = "customNamespaceId"
	}
	id, given := p.Get(idName)
	if s == admin && !given {
		return absentInForm(idName)
	}
	if !p.Has("namespaceName") {
		return absentInForm("namespaceName")
	}
	if id = strings.TrimSpace(id); id == "" {
		id = uuid.NewString()
	}
	err := a.Namespaces.Create(c.UserContext(), namespace.Actor(a.Actor(c, p)), id, p.Text("namespaceName"), p.Text("namespaceDesc"))
	if err != nil {
		return namespaceRefusal(err, id, p.Text("namespaceName"))
	}
	return wire.OK(c, true)
}

// namespaceRefusal words what is wrong with an id or a name as Nacos does.
func namespaceRefusal(err error, id, name string) error {
	switch fault.CodeOf(err) {
	case namespace.CodeIllegal:
		if len(id) > resource.MaxNamespace {
			return wire.Refuse(400, wire.IllegalNamespace, "too long namespaceId, over 64")
		}
		return wire.Refuse(400, wire.IllegalNamespace, "namespaceId ["+id+"] mismatch the pattern")
	case namespace.CodeIllegalName:
		if wire.Blank(name) || strings.ContainsAny(name, "@#$%^&*") {
			return wire.Refuse(400, wire.IllegalNamespace, "namespaceName ["+name+"] contains illegal char")
		}
	case namespace.CodeExists:
		if id == resource.DefaultNamespace {
			return wire.Refuse(400, wire.NamespaceExists, "namespaceId ["+id+"] is default namespace id and already exist.")
		}
	}
	return err
}

// updateNamespace says yes to a namespace that does not exist, too, as Nacos does.
func (a *api) updateNamespace(c *fiber.Ctx, p *wire.Params, s side) error {
	if err := checkNamespaces(p, s); err != nil {
		return err
	}
	for _, name := range []string{"namespaceId", "namespaceName"} {
		if !p.Has(name) {
			return absentInForm(name)
		}
	}
	id := strings.TrimSpace(p.Text("namespaceId"))
	if _, err := a.Namespaces.Update(c.UserContext(), namespace.Actor(a.Actor(c, p)), id, p.Text("namespaceName"), p.Text("namespaceDesc")); err != nil {
		return namespaceRefusal(err, id, p.Text("namespaceName"))
	}
	return wire.OK(c, true)
}

// removeNamespace says yes to a namespace that does not exist and to the default one, too.
func (a *api) removeNamespace(c *fiber.Ctx, p *wire.Params) error {
	id, err := argument(p, "namespaceId")
	if err != nil {
		return err
	}
	if a.Namespaces.Get(id) != nil {
		if _, err := a.Namespaces.Remove(c.UserContext(), namespace.Actor(a.Actor(c, p)), id); err != nil {
			return err
		}
	}
	return wire.OK(c, true)
}

// countNamespace answers how many rows there are for an id; the default one has none.
func (a *api) countNamespace(c *fiber.Ctx, p *wire.Params) error {
	id, err := argument(p, "namespaceId")
	if err != nil {
		return err
	}
	if a.Namespaces.Get(id) == nil {
		return wire.OK(c, 0)
	}
	return wire.OK(c, 1)
}

// namespaceExists answers false for a blank id, which stands for one that is still to be made.
func (a *api) namespaceExists(c *fiber.Ctx, p *wire.Params) error {
	if err := checkNamespaces(p, console); err != nil {
		return err
	}
	id, err := argument(p, "customNamespaceId")
	if err != nil {
		return err
	}
	return wire.OK(c, !wire.Blank(id) && a.Namespaces.Exists(id))
}
