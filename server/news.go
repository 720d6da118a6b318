package server

import (
	"context"
	"net"
	"strconv"
	"time"

	"nacre/server/config"
	"nacre/server/config/delivery"
	"nacre/server/fault"
	"nacre/server/feed"
	"nacre/server/namespace"
	"nacre/server/naming"
)

// configNews tells the feed of a decided change. It runs on the applying goroutine and does not block.
func (s *Server) configNews(h config.Happening) {
	e := feed.Event{
		Kind: feed.ConfigPublished, Namespace: h.Key.Namespace, Group: h.Key.Group, DataID: h.Key.DataID, Revision: h.Revision, MD5: h.MD5,
		Gray: h.Gray, User: h.User, IP: h.IP, Text: h.Note.Comment,
	}
	switch {
	case h.Gray == "" && h.Op == config.OpDelete:
		e.Kind = feed.ConfigRemoved
	case h.Gray != "" && h.Op == config.OpInsert:
		e.Kind = feed.GrayStarted
	case h.Gray != "" && h.Op == config.OpUpdate:
		e.Kind = feed.GrayChanged
	case h.Gray != "":
		e.Kind = feed.GrayEnded
	}
	s.feed.Append(e)
}

// namespaceKinds are what the feed calls the operations on namespaces.
var namespaceKinds = map[string]feed.Kind{
	namespace.OpCreate: feed.NamespaceCreated, namespace.OpUpdate: feed.NamespaceChanged, namespace.OpRemove: feed.NamespaceRemoved,
}

// namespaceNews tells the feed of a decided change. It runs on the applying goroutine and does not block.
func (s *Server) namespaceNews(h namespace.Happening) {
	s.feed.Append(feed.Event{Kind: namespaceKinds[h.Op], Namespace: h.ID, Text: h.Name, User: h.User, IP: h.IP})
}

// deliveryKinds are what the feed calls the ledger's events.
var deliveryKinds = map[delivery.Kind]feed.Kind{
	delivery.ClientConnected: feed.ClientConnected, delivery.ClientGone: feed.ClientGone, delivery.ClientBehind: feed.ClientBehind,
	delivery.ClientLooping: feed.ClientLooping, delivery.ClientInSync: feed.ClientInSync, delivery.ConfigInSync: feed.ConfigInSync,
}

// deliveryNews tells the feed what the ledger found. It does not block.
func (s *Server) deliveryNews(d delivery.Event) {
	e := feed.Event{
		Kind: deliveryKinds[d.Kind], Namespace: d.Key.Namespace, Group: d.Key.Group, DataID: d.Key.DataID, Revision: d.Revision, MD5: d.MD5,
		Node: s.nodeName(), ClientID: d.Client.ID, ClientIP: d.Client.IP, App: d.Client.App, SDK: d.Client.SDK, InSync: d.InSync, Listeners: d.Listeners,
	}
	if e.Namespace == "" {
		e.Namespace = d.Client.Tenant
	}
	s.feed.Append(e)
}

// readyEvery is how often the feed is told whether the server is ready, where that changed.
const readyEvery = time.Second

// stateNews tells the feed when the server becomes ready or no longer is, from serving until ctx ends.
func (s *Server) stateNews(ctx context.Context, serving <-chan struct{}) error {
	<-serving
	tick := time.NewTicker(readyEvery)
	defer tick.Stop()
	last := "starting"
	for {
		now := "ready"
		if err := s.Ready(); err != nil {
			now = "not ready: " + fault.TextOf(err)
		}
		if now != last {
			s.feed.Append(feed.Event{Kind: feed.ServerState, Node: s.nodeName(), Text: now})
			last = now
		}
		select {
		case <-ctx.Done():
			return nil // serve tells it, before readers are sent away
		case <-tick.C:
		}
	}
}

// namingKinds are what the feed calls the registry's events.
var namingKinds = map[naming.EventKind]feed.Kind{
	naming.ServiceAppeared: feed.ServiceAppeared, naming.ServiceGone: feed.ServiceGone, naming.ServiceDescribed: feed.ServiceDescribed,
	naming.ServiceRemoved: feed.ServiceRemoved, naming.InstanceUp: feed.InstanceUp, naming.InstanceDown: feed.InstanceDown,
	naming.InstanceChanged: feed.InstanceChanged, naming.InstanceRemoved: feed.InstanceRemoved, naming.InstanceOverridden: feed.InstanceOverridden,
}

// namingNews tells the feed what happens in the registry. It does not block.
func (s *Server) namingNews(e naming.Event) {
	n := feed.Event{Kind: namingKinds[e.Kind], Namespace: e.Key.Namespace, Group: e.Key.Group, Service: e.Key.Name, User: e.By, Text: e.Detail}
	if e.Of.IP != "" {
		n.Instance, n.Cluster = net.JoinHostPort(e.Of.IP, strconv.Itoa(e.Of.Port)), e.Of.Cluster
	}
	s.feed.Append(n)
}
