package nacre

import (
	"github.com/gofiber/fiber/v2"

	"nacre/server/fault"
	"nacre/server/naming"
)

type namingClientsIn struct {
	Text string `query:"text" doc:"text in the id, address, application or library, in whatever case" example:"shop"`
	pageIn
}

// namingClient is who registers and subscribes.
type namingClient struct {
	ID          string `json:"id"`
	Kind        string `json:"kind" enum:"connection,beat,persistent,udp" doc:"connection: over gRPC; beat: an ip:port that sends heartbeats; persistent: one that somebody registered until it is taken away; udp: one that is told over UDP"`
	IP          string `json:"ip" doc:"as the client claims"`
	Remote      string `json:"remote" doc:"address and port of its socket"`
	AppName     string `json:"appName"`
	SDK         string `json:"sdk" doc:"library and version"`
	ConnectedMs int64  `json:"connectedMs"`
	SeenMs      int64  `json:"seenMs" doc:"when it was heard of last"`
	Revision    uint64 `json:"revision" doc:"grows with each change of what it registered"`
	Published   int    `json:"published" doc:"services that it registered instances of"`
	Subscribed  int    `json:"subscribed" doc:"services that it is told of"`
	Behind      int    `json:"behind" doc:"services that it did not confirm the newest of yet"`
}

type namingClientPage struct {
	Total   int            `json:"total"`
	Page    int            `json:"page"`
	Pages   int            `json:"pages"`
	Clients []namingClient `json:"clients" doc:"by their ids"`
}

func (a *api) namingClients(_ *fiber.Ctx, in *namingClientsIn) (*namingClientPage, error) {
	found, total := a.Naming.Clients(in.Text, in.Page, in.Size)
	out := &namingClientPage{Total: total, Page: in.Page, Pages: pagesOf(total, in.Size), Clients: make([]namingClient, len(found))}
	for i := range found {
		s := &found[i]
		out.Clients[i] = namingClientOf(&s.Client)
		c := &out.Clients[i]
		c.SeenMs, c.Revision, c.Published, c.Subscribed, c.Behind = s.SeenMs, s.Revision, s.Published, s.Subscribed, s.Behind
	}
	return out, nil
}

func namingClientOf(c *naming.Client) namingClient {
	return namingClient{ID: c.ID, Kind: c.Kind.String(), IP: c.IP, Remote: c.Remote, AppName: c.App, SDK: c.SDK, ConnectedMs: c.ConnectedMs}
}

// publishedRow is a service that a client registered instances of.
type publishedRow struct {
	Namespace string         `json:"namespace"`
	Group     string         `json:"group"`
	Service   string         `json:"service"`
	SinceMs   int64          `json:"sinceMs"`
	Instances []instanceBody `json:"instances" doc:"as the client registered them"`
}

// subscribedRow is a service that a client is told of.
type subscribedRow struct {
	Namespace string `json:"namespace"`
	Group     string `json:"group"`
	Service   string `json:"service"`
	Clusters  string `json:"clusters" doc:"only of these, with commas between them; empty for all"`
	SinceMs   int64  `json:"sinceMs"`
	PushedMs  int64  `json:"pushedMs" doc:"when it was told last, 0 for never"`
	AckedMs   int64  `json:"ackedMs" doc:"when it confirmed last, 0 for never"`
	InSync    bool   `json:"inSync" doc:"whether it has what it is to see"`
}

type namingClientDetail struct {
	namingClient
	Publishes  []publishedRow  `json:"publishes"`
	Subscribes []subscribedRow `json:"subscribes"`
}

type namingClientIn struct {
	ID string `path:"id" doc:"the client's id, with # as %23" example:"10.0.0.7:8080%23true"`
}

func (a *api) namingClient(_ *fiber.Ctx, in *namingClientIn) (*namingClientDetail, error) {
	s, ok := a.Naming.ClientOf(in.ID)
	if !ok {
		return nil, fault.New(fault.NotFound, "the registry knows no client %s", in.ID)
	}
	out := &namingClientDetail{
		namingClient: namingClientOf(&s.Client), Publishes: make([]publishedRow, len(s.Published)), Subscribes: make([]subscribedRow, len(s.Subscribed)),
	}
	out.SeenMs, out.Revision, out.Published, out.Subscribed = s.SeenMs, s.Revision, len(s.Published), len(s.Subscribed)
	for i, p := range s.Published {
		row := publishedRow{Namespace: p.Key.Namespace, Group: p.Key.Group, Service: p.Key.Name, SinceMs: p.SinceMs, Instances: make([]instanceBody, len(p.Instances))}
		for n, x := range p.Instances {
			row.Instances[n] = a.instanceOf(x, nil)
		}
		out.Publishes[i] = row
	}
	for i, x := range s.Subscribed {
		if !x.InSync {
			out.Behind++
		}
		out.Subscribes[i] = subscribedRow{
			Namespace: x.Key.Namespace, Group: x.Key.Group, Service: x.Key.Name, Clusters: x.Clusters,
			SinceMs: x.SinceMs, PushedMs: x.PushedMs, AckedMs: x.AckedMs, InSync: x.InSync,
		}
	}
	return out, nil
}
