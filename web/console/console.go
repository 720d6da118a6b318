// Package console serves the pages that people look at. A handler asks the domain, builds a view
// model with everything worded, and renders it; pages can be read, and configurations published, without script.
package console

import (
	"context"
	"log/slog"
	"time"

	"github.com/gofiber/fiber/v2"

	"nacre/server/auth"
	"nacre/server/clock"
	"nacre/server/config"
	"nacre/server/config/delivery"
	"nacre/server/config/search"
	"nacre/server/config/transfer"
	"nacre/server/draft"
	"nacre/server/feed"
	"nacre/server/namespace"
	"nacre/server/naming"
	"nacre/server/settings"
	"nacre/server/view"
	"nacre/static"
)

// Deps are what the console needs of the server. All are required but Operator.
type Deps struct {
	Configs    *config.Service
	Namespaces *namespace.Service
	Naming     *naming.Registry
	Auth       *auth.Service
	Drafts     *draft.Service
	Delivery   *delivery.Ledger
	Feed       *feed.Feed
	Search     *search.Index
	Transfer   *transfer.Service
	Settings   settings.Settings
	Clock      clock.Clock
	Log        *slog.Logger
	// Started is when the server started.
	Started time.Time
	// Version is Nacre's own.
	Version string
	// Port and GRPCPort are those that clients reach.
	Port, GRPCPort int
	// Ready returns nil, or a fault whose text says why the node is not ready. It must not block.
	Ready func() error
	// ClientIP returns the address that a request comes from.
	ClientIP func(*fiber.Ctx) string
	// Draining ends when the server stops.
	Draining context.Context
	// Nodes asks all nodes what each knows.
	Nodes *view.Nodes
	// Operator changes who is in the cluster; nil for a node that runs alone.
	Operator Operator
}

type pages struct {
	Deps
	uploads uploads
	glance  glance
}

// Register puts the console's routes on r, which must be the root of the server. The first page is served
// at Nacos' own address too, where load balancers look for a 200.
func Register(r fiber.Router, d Deps) {
	p := &pages{Deps: d}
	r.Get(static.Prefix+":name", serveStatic)
	for _, path := range []string{pathHome, "/nacos", "/nacos/", "/nacos/index.html"} {
		r.Get(path, p.anyone(p.front))
	}
	r.Get("/console", p.anyone(func(v *visit) error { return v.go303(pathHome) }))
	r.Get("/console/prefs", p.anyone((*visit).prefs))
	r.Get(pathLogin, p.anyone((*visit).loginPage))
	r.Post(pathLogin, p.anyone((*visit).login))
	r.Get(pathSetUp+":token", p.anyone((*visit).setUpPage))
	r.Post(pathSetUp+":token", p.anyone((*visit).setUp))
	r.Post("/console/logout", p.signedIn((*visit).logout))
	r.Get(pathAccount, p.signedIn((*visit).account))
	r.Post(pathAccount+"/password", p.signedIn((*visit).changePassword))
	r.Post(pathAccount+"/end", p.signedIn((*visit).endSessions))
	for _, add := range []func(fiber.Router){
		p.listRoutes, p.configRoutes, p.editRoutes, p.historyRoutes, p.clientsRoutes, p.servicesRoutes, p.feedRoutes,
		p.clusterRoutes, p.namespacesRoutes, p.transferRoutes, p.connectRoutes, p.galleryRoutes,
	} {
		add(r)
	}
	r.All("/console/*", p.signedIn((*visit).missing))
}
