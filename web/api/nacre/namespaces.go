package nacre

import (
	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"nacre/server/fault"
	"nacre/server/namespace"
	"nacre/server/resource"
	"nacre/web/api/wire"
)

// namespaceBody is a namespace.
type namespaceBody struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Desc       string `json:"desc"`
	Default    bool   `json:"default" doc:"true of the one that is always there"`
	Configs    int64  `json:"configs" doc:"how many configurations it has"`
	CreatedMs  int64  `json:"createdMs" doc:"0 for the default one"`
	ModifiedMs int64  `json:"modifiedMs" doc:"0 for the default one"`
}

type namespacesIn struct {
	pageIn
}

type namespacePage struct {
	Total      int             `json:"total"`
	Page       int             `json:"page"`
	Pages      int             `json:"pages"`
	Namespaces []namespaceBody `json:"namespaces" doc:"the default one, then in the order of their creation"`
}

func (a *api) namespaces(_ *fiber.Ctx, in *namespacesIn) (*namespacePage, error) {
	all := a.Namespaces.All()
	total := len(all) + 1
	out := &namespacePage{Total: total, Page: in.Page, Pages: (total + in.Size - 1) / in.Size, Namespaces: []namespaceBody{}}
	for i := (in.Page - 1) * in.Size; i < min(total, in.Page*in.Size); i++ {
		if i == 0 {
			out.Namespaces = append(out.Namespaces, a.defaultNamespace())
			continue
		}
		out.Namespaces = append(out.Namespaces, a.namespaceBody(all[i-1]))
	}
	return out, nil
}

func (a *api) defaultNamespace() namespaceBody {
	id := resource.DefaultNamespace
	return namespaceBody{ID: id, Name: id, Desc: "Default Namespace", Default: true, Configs: a.Configs.CountIn(id)}
}

func (a *api) namespaceBody(n *namespace.Namespace) namespaceBody {
	return namespaceBody{ID: n.ID, Name: n.Name, Desc: n.Desc, Configs: a.Configs.CountIn(n.ID), CreatedMs: n.CreatedMs, ModifiedMs: n.ModifiedMs}
}

type namespaceIn struct {
	ID string `path:"id" doc:"the namespace's id; public is the default one" example:"dev"`
}

func (a *api) namespace(_ *fiber.Ctx, in *namespaceIn) (*namespaceBody, error) {
	id := wire.Namespace(in.ID)
	if id == resource.DefaultNamespace {
		b := a.defaultNamespace()
		return &b, nil
	}
	n := a.Namespaces.Get(id)
	if n == nil {
		return nil, fault.New(fault.NotFound, "there is no namespace %s", id)
	}
	b := a.namespaceBody(n)
	return &b, nil
}

type createNamespaceIn struct {
	operatorIn
	Body createNamespaceBody `body:"true"`
}

type createNamespaceBody struct {
	ID   string `json:"id" optional:"true" doc:"letters, digits, '_' and '-', at most 64; one is made without it"`
	Name string `json:"name" doc:"at most 256 characters, none of @#$%^&*"`
	Desc string `json:"desc" optional:"true" doc:"at most 256 characters"`
}

func (a *api) createNamespace(c *fiber.Ctx, in *createNamespaceIn) (*namespaceBody, error) {
	id := in.Body.ID
	if id == "" {
		id = uuid.NewString()
	}
	if err := a.Namespaces.Create(c.UserContext(), namespace.Actor(a.actor(c, in.Operator)), id, in.Body.Name, in.Body.Desc); err != nil {
		return nil, err
	}
	return a.namespace(c, &namespaceIn{ID: id})
}

type updateNamespaceIn struct {
	namespaceIn
	operatorIn
	Body updateNamespaceBody `body:"true"`
}

type updateNamespaceBody struct {
	Name string `json:"name" doc:"at most 256 characters, none of @#$%^&*"`
	Desc string `json:"desc" optional:"true" doc:"at most 256 characters; empty without it"`
}

func (a *api) updateNamespace(c *fiber.Ctx, in *updateNamespaceIn) (*namespaceBody, error) {
	if wire.Namespace(in.ID) == resource.DefaultNamespace {
		return nil, fault.New(fault.Invalid, "the default namespace can't be changed")
	}
	existed, err := a.Namespaces.Update(c.UserContext(), namespace.Actor(a.actor(c, in.Operator)), in.ID, in.Body.Name, in.Body.Desc)
	if err != nil {
		return nil, err
	}
	if !existed {
		return nil, fault.New(fault.NotFound, "there is no namespace %s", in.ID)
	}
	return a.namespace(c, &in.namespaceIn)
}

type removeNamespaceIn struct {
	namespaceIn
	operatorIn
}

// removeNamespace takes away the name, not what is in it.
func (a *api) removeNamespace(c *fiber.Ctx, in *removeNamespaceIn) (*existedAnswer, error) {
	if wire.Namespace(in.ID) == resource.DefaultNamespace {
		return nil, fault.New(fault.Invalid, "the default namespace can't be removed")
	}
	existed, err := a.Namespaces.Remove(c.UserContext(), namespace.Actor(a.actor(c, in.Operator)), in.ID)
	return &existedAnswer{Existed: existed}, err
}

type existedAnswer struct {
	Existed bool `json:"existed" doc:"false when there was nothing to remove, which is no refusal"`
}
