package nacre

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"

	"nacre/server/metrics/series"
)

// schema is a JSON schema as far as the document uses it.
type schema struct {
	Ref         string             `json:"$ref,omitempty"`
	Type        any                `json:"type,omitempty"` // a name or, where null is possible, two
	Format      string             `json:"format,omitempty"`
	Description string             `json:"description,omitempty"`
	Enum        []string           `json:"enum,omitempty"`
	Default     any                `json:"default,omitempty"`
	Minimum     *int64             `json:"minimum,omitempty"`
	Maximum     *int64             `json:"maximum,omitempty"`
	MaxItems    *int64             `json:"maxItems,omitempty"`
	Items       *schema            `json:"items,omitempty"`
	Properties  map[string]*schema `json:"properties,omitempty"`
	Required    []string           `json:"required,omitempty"`
	Additional  any                `json:"additionalProperties,omitempty"` // false, or the schema of a map's values
	AnyOf       []*schema          `json:"anyOf,omitempty"`
}

const refPrefix = "#/components/schemas/"

// schemaOf returns the schema of a Go type as encoding/json writes and reads it. Structs become
// entries of named, which may be nil, and are referred to.
func schemaOf(t reflect.Type, named map[string]*schema) *schema {
	if t == reflect.TypeFor[series.Value]() {
		return &schema{Type: []string{"number", "null"}}
	}
	if t == reflect.TypeFor[json.RawMessage]() {
		return &schema{Type: "object"} // as it stands in an archive
	}
	switch t.Kind() {
	case reflect.Pointer:
		s := schemaOf(t.Elem(), named)
		if s.Ref != "" {
			return &schema{AnyOf: []*schema{s, {Type: "null"}}}
		}
		s.Type = []string{s.Type.(string), "null"}
		return s
	case reflect.String:
		return &schema{Type: "string"}
	case reflect.Bool:
		return &schema{Type: "boolean"}
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return &schema{Type: "integer", Format: "int64"}
	case reflect.Float64:
		return &schema{Type: "number"}
	case reflect.Slice:
		return &schema{Type: "array", Items: schemaOf(t.Elem(), named)}
	case reflect.Map:
		return &schema{Type: "object", Additional: schemaOf(t.Elem(), named)}
	case reflect.Struct:
		if named == nil {
			return &schema{Type: "object"}
		}
		name := strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
		if _, ok := named[name]; !ok {
			named[name] = nil // ends the recursion of types that hold themselves
			named[name] = structSchema(t, named)
		}
		return &schema{Ref: refPrefix + name}
	}
	return &schema{}
}

func structSchema(t reflect.Type, named map[string]*schema) *schema {
	s := &schema{Type: "object", Properties: make(map[string]*schema), Additional: false}
	for _, sf := range reflect.VisibleFields(t) {
		name, opts, _ := strings.Cut(sf.Tag.Get("json"), ",")
		if sf.Anonymous && name == "" || name == "-" {
			continue
		}
		p := schemaOf(sf.Type, named)
		optional := strings.Contains(opts, "omitempty") || sf.Tag.Get("optional") == "true"
		if optional && sf.Type.Kind() == reflect.Pointer && p.AnyOf == nil && sf.Tag.Get("optional") != "true" {
			p.Type = p.Type.([]string)[0]
		}
		if doc := sf.Tag.Get("doc"); doc != "" {
			p.Description = doc
		}
		if e := sf.Tag.Get("enum"); e != "" {
			p.Enum = strings.Split(e, ",")
		}
		if m := sf.Tag.Get("max"); m != "" {
			p.limit(m)
		}
		s.Properties[name] = p
		if !optional {
			s.Required = append(s.Required, name)
		}
	}
	return s
}

func (s *schema) limit(most string) {
	n, err := strconv.ParseInt(most, 10, 64)
	if err != nil {
		return
	}
	if s.Type == "array" {
		s.MaxItems = &n
	} else {
		s.Maximum = &n
	}
}

// schema returns the schema of a parameter.
func (f *field) schema() *schema {
	s := schemaOf(f.typ, nil)
	s.Enum = f.enum
	if isList(f.typ) {
		if f.max > 0 {
			s.MaxItems = &f.max
		}
		return s
	}
	if f.min != 0 || f.max != 0 {
		s.Minimum, s.Maximum = &f.min, &f.max
	}
	if f.fallback != "" {
		if s.Type == "string" {
			s.Default = f.fallback
		} else {
			s.Default = json.RawMessage(f.fallback)
		}
	}
	return s
}
