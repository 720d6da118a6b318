package nacre

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// document is an OpenAPI 3.1 document, as far as this API needs one.
type document struct {
	OpenAPI    string                          `json:"openapi"`
	Info       info                            `json:"info"`
	Servers    []server                        `json:"servers"`
	Paths      map[string]map[string]*openPath `json:"paths"`
	Components components                      `json:"components"`
}

type info struct {
	Title       string  `json:"title"`
	Version     string  `json:"version"`
	Description string  `json:"description"`
	License     license `json:"license"`
}

type license struct {
	Name       string `json:"name"`
	Identifier string `json:"identifier"`
}

type server struct {
	URL string `json:"url"`
}

type components struct {
	Schemas   map[string]*schema      `json:"schemas"`
	Responses map[string]openResponse `json:"responses"`
}

type openPath struct {
	OperationID string                  `json:"operationId"`
	Summary     string                  `json:"summary"`
	Description string                  `json:"description,omitempty"`
	Tags        []string                `json:"tags"`
	Parameters  []parameter             `json:"parameters,omitempty"`
	RequestBody *requestBody            `json:"requestBody,omitempty"`
	Responses   map[string]openResponse `json:"responses"`
}

type parameter struct {
	Name        string  `json:"name"`
	In          string  `json:"in"`
	Description string  `json:"description"`
	Required    bool    `json:"required,omitempty"`
	Schema      *schema `json:"schema"`
	Style       string  `json:"style,omitempty"`
	Explode     *bool   `json:"explode,omitempty"`
	Example     string  `json:"example,omitempty"`
}

type requestBody struct {
	Required bool                 `json:"required"`
	Content  map[string]mediaType `json:"content"`
}

type openResponse struct {
	Ref         string               `json:"$ref,omitempty"`
	Description string               `json:"description,omitempty"`
	Content     map[string]mediaType `json:"content,omitempty"`
}

type mediaType struct {
	Schema  *schema `json:"schema"`
	Example any     `json:"example,omitempty"`
}

const apiText = "Nacre's own interface: JSON in and out. A refused request answers an object `error` with a `kind` " +
	"that a program can act on and a `message` for people. Every change of a configuration has a `revision`; " +
	"revisions grow with each change on the whole server. Times are milliseconds since 1970."

// describe makes the document of the operations.
func describe(ops []operation, version string) document {
	d := document{
		OpenAPI: "3.1.0",
		Info:    info{Title: "Nacre", Version: version, Description: apiText, License: license{Name: "Apache License 2.0", Identifier: "Apache-2.0"}},
		Servers: []server{{URL: "/"}},
		Paths:   make(map[string]map[string]*openPath),
		Components: components{
			Schemas:   make(map[string]*schema),
			Responses: make(map[string]openResponse),
		},
	}
	named := d.Components.Schemas
	fault := schemaOf(reflect.TypeFor[errorAnswer](), named)
	for i := range ops {
		o := &ops[i]
		p := &openPath{OperationID: o.id, Summary: o.summary, Description: o.text, Tags: []string{o.tag()}, Responses: make(map[string]openResponse)}
		for _, f := range fieldsOf(o.in) {
			if f.source == "body" {
				p.RequestBody = &requestBody{Required: true, Content: map[string]mediaType{"application/json": {Schema: schemaOf(f.typ, named)}}}
				continue
			}
			q := parameter{Name: f.name, In: f.source, Description: f.doc, Required: f.required, Schema: f.schema(), Example: f.example}
			if isList(f.typ) {
				no := false
				q.Style, q.Explode = "form", &no
			}
			p.Parameters = append(p.Parameters, q)
		}
		p.Responses["200"] = o.success(named)
		for _, status := range append([]int{http.StatusBadRequest, http.StatusInternalServerError, http.StatusServiceUnavailable}, o.faults...) {
			key := strconv.Itoa(status)
			d.Components.Responses[key] = openResponse{
				Description: faultTexts[status],
				Content:     map[string]mediaType{"application/json": {Schema: fault, Example: faultExamples[status]}},
			}
			p.Responses[key] = openResponse{Ref: "#/components/responses/" + key}
		}
		path := Prefix + o.path
		if d.Paths[path] == nil {
			d.Paths[path] = make(map[string]*openPath)
		}
		d.Paths[path][strings.ToLower(o.method)] = p
	}
	return d
}

func (o *operation) success(named map[string]*schema) openResponse {
	if o.out == nil {
		return openResponse{Description: o.summary, Content: map[string]mediaType{o.media: {Schema: &schema{Type: "string", Format: "binary"}}}}
	}
	return openResponse{Description: o.summary, Content: map[string]mediaType{"application/json": {Schema: schemaOf(o.out, named), Example: o.example}}}
}

func (o *operation) tag() string {
	part, _, _ := strings.Cut(strings.TrimPrefix(o.path, "/"), "/")
	if !slices.Contains([]string{"namespaces", "history", "imports", "status", "export", "delivery", "naming", "sd"}, part) {
		return "configurations"
	}
	return part
}

// Document returns the OpenAPI document of this API for a server of the given version.
func Document(version string) []byte {
	b, err := json.MarshalIndent(describe(operations(), version), "", "  ")
	if err != nil {
		panic("the OpenAPI document can't be written as JSON: " + err.Error())
	}
	return append(b, '\n')
}
