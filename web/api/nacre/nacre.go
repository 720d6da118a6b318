// Package nacre is the API of our own: JSON under /nacre/v1, described by an OpenAPI document that
// is made from the same table as its routes.
//
// What Nacos' API can't say is here: revisions, conditions on a change, what an import would do.
// The command line and the console's scripts are its clients.
package nacre

import (
	"context"
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v2"

	"nacre/server/archive"
	"nacre/server/config/search"
	"nacre/server/fault"
	"nacre/server/feed"
	"nacre/web/api/wire"
)

// Prefix is where the routes are.
const Prefix = "/nacre/v1"

// DocumentPath is where the OpenAPI document is.
const DocumentPath = "/nacre/openapi.json"

// Deps is what the API needs.
type Deps struct {
	wire.Deps
	// Version is that of this build.
	Version string
	// Node tells the state of this node; it must not block.
	Node func() Node
	// Feed is what happens; streams of it end with Draining.
	Feed     *feed.Feed
	Draining context.Context
	// Readers refuses a reader of the feed by an error; nil refuses none. What it returns, unless nil, says later whether the
	// reader still may read: it is asked before anything is sent, and must not block.
	Readers func(*fiber.Ctx) (still func() bool, err error)
	// Members are the nodes of the cluster; nil where the node runs alone.
	Members Cluster
	// Archives moves everything.
	Archives *archive.Service
	// Search finds configurations.
	Search *search.Index
}

type api struct{ Deps }

// Register adds the routes to r, whose root is that of the server. Nothing else may be below /nacre/v1.
func Register(r fiber.Router, d Deps) {
	a := &api{d}
	ops := operations()
	for i := range ops {
		o := &ops[i]
		r.Add(o.method, Prefix+o.fiberPath(), func(c *fiber.Ctx) error {
			if err := o.serve(a, c); err != nil {
				return a.fail(c, err)
			}
			return nil
		})
	}
	doc := Document(d.Version)
	r.Get(DocumentPath, func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
		return c.Send(doc)
	})
	allowed := methodsByPath(ops)
	for path, methods := range allowed {
		allow := strings.Join(methods, ", ")
		r.All(path, func(c *fiber.Ctx) error {
			c.Set(fiber.HeaderAllow, allow)
			return answerError(c, http.StatusMethodNotAllowed, fault.Invalid, "the method "+c.Method()+" does not exist here; "+allow+" do")
		})
	}
	r.All(Prefix+"/*", func(c *fiber.Ctx) error {
		return answerError(c, http.StatusNotFound, fault.NotFound, "there is no operation at "+c.Path()+"; "+DocumentPath+" lists them")
	})
}

func methodsByPath(ops []operation) map[string][]string {
	m := make(map[string][]string)
	for i := range ops {
		p := Prefix + ops[i].fiberPath()
		m[p] = append(m[p], ops[i].method)
	}
	return m
}
