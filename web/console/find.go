package console

import (
	"context"
	"strings"

	"github.com/gofiber/fiber/v2"

	"nacre/server/config/delivery"
	"nacre/server/naming"
	"nacre/views/words"
)

const (
	pathFind = "/console/find"
	// maxFound is how many entries of a kind the palette is given.
	maxFound = 8
)

// found is what the palette shows.
type found struct {
	Groups []foundGroup `json:"groups"`
}

type foundGroup struct {
	// Kind is "configs", "services", "namespaces", "clients" or "actions".
	Kind    string       `json:"kind"`
	Entries []foundEntry `json:"entries"`
}

type foundEntry struct {
	Text  string `json:"text"`
	Where string `json:"where,omitempty"`
	Href  string `json:"href"`
}

func (p *pages) findRoutes(r fiber.Router) { r.Get(pathFind, p.signedIn((*visit).findAnything)) }

// findAnything answers the palette.
func (v *visit) findAnything() error {
	text := strings.TrimSpace(v.c.Query("q"))
	out := found{Groups: []foundGroup{}}
	if text == "" {
		return v.json(fiber.StatusOK, out)
	}
	ctx, cancel := context.WithTimeout(v.c.UserContext(), searchTime)
	defer cancel()
	names, err := v.Search.Names(ctx, text, maxFound)
	if err != nil {
		return err
	}
	var list []foundEntry
	for _, n := range names {
		list = append(list, foundEntry{Text: n.Key.DataID, Where: n.Key.Group + " · " + v.namespaceName(n.Key.Namespace), Href: configURL(n.Key, tabContent)})
	}
	out.add("configs", list)
	out.add("services", v.servicesLike(text))
	out.add("namespaces", v.namespacesLike(text))
	clients, _ := v.Delivery.Clients(delivery.Filter{Text: text}, 1, maxFound)
	list = nil
	for _, c := range clients {
		list = append(list, foundEntry{Text: c.ID, Where: strings.TrimSpace(c.App + " " + c.SDK), Href: clientURL(c.ID)})
	}
	others, _ := v.Naming.Select(naming.ClientFilter{Text: text, Keep: unconnected}, 0, maxFound-len(list))
	for _, c := range others {
		list = append(list, foundEntry{Text: c.ID, Where: strings.TrimSpace(v.transportOf(c.Kind) + " " + c.SDK), Href: clientURL(c.ID)})
	}
	out.add("clients", list)
	out.add("actions", []foundEntry{{Text: words.Fill(v.w.Configs.FindIn, text), Href: listURL(v.ns, text, true)}})
	return v.json(fiber.StatusOK, out)
}

func (f *found) add(kind string, list []foundEntry) {
	if len(list) > 0 {
		f.Groups = append(f.Groups, foundGroup{Kind: kind, Entries: list})
	}
}

// namespacesLike returns the namespaces whose name or id has text in it.
func (v *visit) namespacesLike(text string) (list []foundEntry) {
	text = strings.ToLower(text)
	for _, n := range v.Namespaces.All() {
		if len(list) == maxFound {
			break
		}
		if strings.Contains(strings.ToLower(n.Name), text) || strings.Contains(strings.ToLower(n.ID), text) {
			list = append(list, foundEntry{Text: v.namespaceName(n.ID), Where: n.ID, Href: listURL(n.ID, "", false)})
		}
	}
	return list
}
