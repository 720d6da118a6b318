package nacre

import (
	"context"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"nacre/server/clock"
	"nacre/server/config"
	"nacre/server/config/search"
	"nacre/web/api/wire"
)

// searchTime is how long a search may take before it is given up.
const searchTime = 5 * time.Second

type searchIn struct {
	Q         string `query:"q" doc:"what to look for; without it, all" example:"ns:dev type:yaml spring.redis.host"`
	Namespace string `query:"namespace" doc:"id of the namespace; without it, all" example:"dev"`
	pageIn
}

// searchRow is a configuration that was found.
type searchRow struct {
	configRow
	Published bool        `json:"published" doc:"false when there are variants only; what is of the content is empty then"`
	Variants  int         `json:"variants" doc:"how many there are for some of the clients"`
	Size      int         `json:"size" doc:"of the content in bytes"`
	Hits      []searchHit `json:"hits" doc:"where each word, and the key and value, were found"`
}

// searchHit is where something was found.
type searchHit struct {
	Field   string `json:"field" enum:"dataId,group,desc,content"`
	Variant string `json:"variant" doc:"name of the variant whose content it is, empty for the formal content"`
	Line    int    `json:"line" doc:"of the content, from 1"`
	Path    string `json:"path" doc:"of the key that the line belongs to, empty when there is none"`
	Before  string `json:"before" doc:"what stands before the match in the line, or in the field"`
	Match   string `json:"match"`
	After   string `json:"after"`
}

type searchPage struct {
	Revision uint64      `json:"revision" doc:"of the last change on this server"`
	Total    int         `json:"total"`
	Page     int         `json:"page"`
	Pages    int         `json:"pages"`
	Configs  []searchRow `json:"configs"`
}

func (a *api) search(c *fiber.Ctx, in *searchIn) (*searchPage, error) {
	q, err := search.Parse(in.Q, clock.Millis(a.Clock))
	if err != nil {
		return nil, err
	}
	q.NameNamespaces(a.namespacesCalled)
	if in.Namespace != "" {
		q.Within = wire.Namespace(in.Namespace)
	}
	ctx, cancel := context.WithTimeout(c.UserContext(), searchTime)
	defer cancel()
	found, err := a.Search.Find(ctx, q, in.Page, in.Size)
	if err != nil {
		return nil, err
	}
	out := &searchPage{Revision: a.Configs.Revision(), Total: found.Total, Page: found.Number, Pages: found.Pages(), Configs: make([]searchRow, 0, len(found.Items))}
	for i := range found.Items {
		out.Configs = append(out.Configs, searchRowOf(&found.Items[i]))
	}
	return out, nil
}

// namespacesCalled returns the ids of the namespaces of that name, in any case.
func (a *api) namespacesCalled(name string) (ids []string) {
	for _, n := range a.Namespaces.All() {
		if strings.EqualFold(n.Name, name) {
			ids = append(ids, n.ID)
		}
	}
	return ids
}

func searchRowOf(r *search.Row) searchRow {
	e := r.Item.Formal
	out := searchRow{Published: e != nil, Variants: len(r.Item.Grays), Hits: make([]searchHit, 0, len(r.Hits))}
	if e == nil {
		e = &config.Entry{Key: r.Key}
	}
	out.configRow, out.Size = configRowOf(e), len(e.Content)
	for _, h := range r.Hits {
		out.Hits = append(out.Hits, searchHit{
			Field: h.Field, Variant: h.Gray, Line: h.Line, Path: h.Path, Before: h.Text[:h.From], Match: h.Text[h.From:h.To], After: h.Text[h.To:],
		})
	}
	return out
}
