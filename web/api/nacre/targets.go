package nacre

import (
	"encoding/binary"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/gofiber/fiber/v2"

	"nacre/server/fault"
	"nacre/server/naming"
	"nacre/web/api/wire"
)

// targetsIn says which instances are targets. All conditions hold at once.
type targetsIn struct {
	Namespaces  []string `query:"namespace" max:"100" doc:"ids of namespaces; without it, all" example:"dev"`
	Groups      []string `query:"group" max:"100" doc:"only these groups" example:"DEFAULT_GROUP"`
	Services    []string `query:"service" max:"1000" doc:"only services of these names" example:"orders"`
	Clusters    []string `query:"cluster" max:"100" doc:"only instances of these clusters" example:"DEFAULT"`
	Metadata    []string `query:"metadata" max:"20" doc:"only instances whose metadata has each of these: key=value, or key for any value" example:"metrics=on"`
	IfNoneMatch string   `header:"If-None-Match" doc:"the ETag of an earlier answer: 304 without a body when nothing changed"`
}

// targetGroup is what Prometheus' HTTP service discovery calls a target group.
type targetGroup struct {
	Targets []string          `json:"targets" doc:"address:port, of one instance"`
	Labels  map[string]string `json:"labels" doc:"__meta_nacre_namespace, _group, _service, _cluster, _ephemeral, _weight, and of each pair of the metadata __meta_nacre_metadata_ and its key, in which all but letters, digits and _ became _"`
}

// targets answers with the healthy enabled instances.
func (a *api) targets(c *fiber.Ctx, in *targetsIn) error {
	wants, err := pairsOf(in.Metadata)
	if err != nil {
		return err
	}
	for i, n := range in.Namespaces {
		in.Namespaces[i] = wire.Namespace(n)
	}
	q := naming.Query{Clusters: strings.Join(in.Clusters, ","), HealthyOnly: true}
	sum, views := xxhash.New(), []*naming.View(nil)
	sum.Write(c.Context().QueryArgs().QueryString())
	a.Naming.Each(func(k naming.Key) bool {
		if !among(in.Namespaces, k.Namespace) || !among(in.Groups, k.Group) || !among(in.Services, k.Name) {
			return true
		}
		if v := a.Naming.Lookup(k, q); len(v.Hosts) > 0 {
			views = append(views, v)
			sum.WriteString(k.String())
			sum.Write(binary.LittleEndian.AppendUint64(nil, uint64(v.LastRefMs)))
		}
		return true
	})
	etag := `"` + strconv.FormatUint(sum.Sum64(), 16) + `"`
	c.Set(fiber.HeaderETag, etag)
	if slices.ContainsFunc(strings.Split(in.IfNoneMatch, ","), func(tag string) bool { return strings.TrimPrefix(strings.TrimSpace(tag), "W/") == etag }) {
		return c.SendStatus(http.StatusNotModified)
	}
	w := targetWriter{body: []byte{'['}}
	for _, v := range views {
		for _, i := range v.Hosts {
			if !slices.ContainsFunc(wants, func(want naming.Pair) bool { return !has(i.Metadata, want) }) {
				w.add(v.Key, i)
			}
		}
	}
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	return c.Send(append(w.body, ']'))
}

func among(list []string, name string) bool { return len(list) == 0 || slices.Contains(list, name) }

// anyValue stands for whatever a key has.
const anyValue = "\x00"

func pairsOf(texts []string) ([]naming.Pair, error) {
	pairs := make([]naming.Pair, len(texts))
	for i, t := range texts {
		key, value, whole := strings.Cut(t, "=")
		if key == "" {
			return nil, fault.New(fault.Invalid, `parameter "metadata" has the value %q, each must be key=value or key`, t)
		}
		if !whole {
			value = anyValue
		}
		pairs[i] = naming.Pair{Key: key, Value: value}
	}
	return pairs, nil
}

func has(m naming.Metadata, want naming.Pair) bool {
	value, ok := m.Get(want.Key)
	return ok && (want.Value == anyValue || value == want.Value)
}

// targetWriter writes a list of targetGroups as JSON, by hand as there may be very many.
type targetWriter struct {
	body   []byte
	labels []string // of the metadata of the instance at hand
}

func (w *targetWriter) put(before, value string) {
	w.body = wire.AppendJSON(append(w.body, before...), []byte(value))
}

func (w *targetWriter) add(k naming.Key, i *naming.Instance) {
	if len(w.body) > 1 {
		w.body = append(w.body, ',')
	}
	w.put(`{"targets":[`, net.JoinHostPort(strings.Trim(i.IP, "[]"), strconv.Itoa(i.Port)))
	w.put(`],"labels":{"__meta_nacre_cluster":`, i.Cluster)
	w.put(`,"__meta_nacre_ephemeral":`, strconv.FormatBool(i.Ephemeral))
	w.put(`,"__meta_nacre_group":`, k.Group)
	w.labels = w.labels[:0]
	for _, p := range i.Metadata {
		label := labelOf(p.Key)
		if slices.Contains(w.labels, label) {
			continue // of two keys that become the same label, the first counts
		}
		w.labels, w.body = append(w.labels, label), append(w.body, `,"__meta_nacre_metadata_`...)
		w.put(label+`":`, strings.ToValidUTF8(p.Value, "\uFFFD"))
	}
	w.put(`,"__meta_nacre_namespace":`, k.Namespace)
	w.put(`,"__meta_nacre_service":`, k.Name)
	w.put(`,"__meta_nacre_weight":`, strconv.FormatFloat(i.Weight, 'f', -1, 64))
	w.body = append(w.body, '}', '}')
}

// labelOf makes a part of a label's name of any text.
func labelOf(key string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, key)
}
