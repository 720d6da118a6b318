package nacre

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"nacre/server/fault"
)

// field is a part of a request, read from a tag of an input struct:
//
//	Page int `query:"page" default:"1" min:"1" max:"100000" doc:"the page, from 1"`
//
// Sources are query, path and header; a field with the tag body is the JSON body. Types are string,
// int, int64, uint64, bool, []string (a comma list, or the name several times) and []int64.
type field struct {
	index    []int
	source   string // "query", "path", "header" or "body"
	name     string
	doc      string
	fallback string
	required bool
	min, max int64 // 0, 0 means no bounds; of a list they bound its length
	enum     []string
	typ      reflect.Type
	example  string
}

// fieldsOf returns the fields of an input struct in their order, those of embedded structs included.
func fieldsOf(t reflect.Type) []field {
	var out []field
	for _, sf := range reflect.VisibleFields(t) {
		if sf.Anonymous {
			continue
		}
		f := field{index: sf.Index, doc: sf.Tag.Get("doc"), fallback: sf.Tag.Get("default"), typ: sf.Type, example: sf.Tag.Get("example")}
		for _, source := range []string{"query", "path", "header", "body"} {
			if name, ok := sf.Tag.Lookup(source); ok {
				f.source, f.name = source, name
			}
		}
		if f.source == "" {
			continue
		}
		f.required = sf.Tag.Get("required") == "true" || f.source == "path"
		f.min, _ = strconv.ParseInt(sf.Tag.Get("min"), 10, 64)
		f.max, _ = strconv.ParseInt(sf.Tag.Get("max"), 10, 64)
		if e := sf.Tag.Get("enum"); e != "" {
			f.enum = strings.Split(e, ",")
		}
		out = append(out, f)
	}
	return out
}

// decode reads the request into in, a pointer to an input struct. Faults: Invalid, which name the
// parameter, its value and what would be right. A parameter that the operation does not have is
// refused too: a misspelt filter must not show everything.
func decode(c *fiber.Ctx, in any) error {
	v := reflect.ValueOf(in).Elem()
	fields := fieldsOf(v.Type())
	given, err := queryOf(c, fields)
	if err != nil {
		return err
	}
	for _, f := range fields {
		var values []string
		switch f.source {
		case "query":
			values = given[f.name]
		case "path":
			part, err := url.PathUnescape(c.Params(f.name))
			if err != nil {
				return fault.Wrap(fault.Invalid, err, "the path's %s is %q, in which %% must begin the code of a character", f.name, c.Params(f.name))
			}
			values = []string{strings.Clone(part)}
		case "header":
			if h := c.Get(f.name); h != "" {
				values = []string{strings.Clone(h)}
			}
		case "body":
			if err := decodeBody(c.Body(), v.FieldByIndex(f.index).Addr().Interface()); err != nil {
				return err
			}
			continue
		}
		if err := f.set(v.FieldByIndex(f.index), values); err != nil {
			return err
		}
	}
	return nil
}

func queryOf(c *fiber.Ctx, fields []field) (map[string][]string, error) {
	given := make(map[string][]string)
	var unknown string
	c.Context().QueryArgs().VisitAll(func(k, v []byte) {
		name := string(k)
		known := slices.ContainsFunc(fields, func(f field) bool { return f.source == "query" && f.name == name })
		if !known && unknown == "" && name != "" {
			unknown = name
		}
		given[name] = append(given[name], string(v))
	})
	if unknown != "" {
		var names []string
		for _, f := range fields {
			if f.source == "query" {
				names = append(names, f.name)
			}
		}
		if len(names) == 0 {
			return nil, fault.New(fault.Invalid, "there is no parameter %q; this operation has none", unknown)
		}
		return nil, fault.New(fault.Invalid, "there is no parameter %q; this operation has %s", unknown, strings.Join(names, ", "))
	}
	return given, nil
}

func (f *field) set(to reflect.Value, values []string) error {
	if isList(f.typ) {
		return f.setList(to, values)
	}
	if len(values) > 1 {
		return fault.New(fault.Invalid, "parameter %q is given %d times", f.name, len(values))
	}
	text := f.fallback
	if len(values) == 1 && values[0] != "" {
		text = values[0]
	}
	if text == "" {
		if f.required {
			return fault.New(fault.Invalid, "parameter %q is required: %s", f.name, f.doc)
		}
		return nil
	}
	if !utf8.ValidString(text) {
		return fault.New(fault.Invalid, "parameter %q is not UTF-8", f.name)
	}
	if len(f.enum) > 0 && !slices.Contains(f.enum, text) {
		return fault.New(fault.Invalid, "parameter %q is %q, it must be one of %s", f.name, text, strings.Join(f.enum, ", "))
	}
	switch f.typ.Kind() {
	case reflect.String:
		to.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fault.New(fault.Invalid, "parameter %q is %q, it must be true or false", f.name, text)
		}
		to.SetBool(b)
	case reflect.Int, reflect.Int64:
		n, err := f.number(text)
		if err != nil {
			return err
		}
		to.SetInt(n)
	case reflect.Uint64:
		n, err := f.number(text)
		if err != nil || n < 0 {
			return fault.New(fault.Invalid, "parameter %q is %q, it must be a whole number that is not negative", f.name, text)
		}
		to.SetUint(uint64(n))
	default:
		return fmt.Errorf("an input field of type %s can't be read", f.typ)
	}
	return nil
}

func (f *field) setList(to reflect.Value, values []string) error {
	var parts []string
	for _, v := range values {
		for p := range strings.SplitSeq(v, ",") {
			if p != "" {
				parts = append(parts, p)
			}
		}
	}
	if f.max > 0 && int64(len(parts)) > f.max {
		return fault.New(fault.Invalid, "parameter %q lists %d values, at most %d are allowed", f.name, len(parts), f.max)
	}
	for _, p := range parts {
		if f.typ.Elem().Kind() == reflect.Int64 {
			n, err := strconv.ParseInt(p, 10, 64)
			if err != nil {
				return fault.New(fault.Invalid, "parameter %q has the value %q, each must be a whole number", f.name, p)
			}
			to.Set(reflect.Append(to, reflect.ValueOf(n)))
			continue
		}
		if !utf8.ValidString(p) {
			return fault.New(fault.Invalid, "parameter %q is not UTF-8", f.name)
		}
		to.Set(reflect.Append(to, reflect.ValueOf(p)))
	}
	return nil
}

func (f *field) number(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fault.New(fault.Invalid, "parameter %q is %q, it must be a whole number", f.name, text)
	}
	if (f.min != 0 || f.max != 0) && (n < f.min || n > f.max) {
		return 0, fault.New(fault.Invalid, "parameter %q is %d, it must be from %d to %d", f.name, n, f.min, f.max)
	}
	return n, nil
}

func isList(t reflect.Type) bool { return t.Kind() == reflect.Slice }

// decodeBody reads one JSON value and nothing after it; a field that the value does not have is refused.
func decodeBody(body []byte, to any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return fault.New(fault.Invalid, "the request has no body, a JSON object is needed")
	}
	if !utf8.Valid(body) {
		return fault.New(fault.Invalid, "the body is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return bodyFault(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fault.New(fault.Invalid, "the body has something after its JSON object, at byte %d", d.InputOffset())
	}
	return nil
}

func bodyFault(err error) error {
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fault.Wrap(fault.Invalid, err, "the body is not JSON: at byte %d %s", syntax.Offset, syntax.Error())
	case errors.As(err, &typ) && typ.Field == "":
		return fault.Wrap(fault.Invalid, err, "the body is a JSON %s, it must be an %s", typ.Value, typeName(typ.Type))
	case errors.As(err, &typ):
		return fault.Wrap(fault.Invalid, err, "the field %q of the body is a JSON %s, it must be of type %s", typ.Field, typ.Value, typeName(typ.Type))
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fault.Wrap(fault.Invalid, err, "the body is not JSON: it ends too early")
	}
	return fault.Wrap(fault.Invalid, err, "the body does not fit: %s", strings.TrimPrefix(err.Error(), "json: "))
}

func typeName(t reflect.Type) string {
	if s := schemaOf(t, nil); s.Type != nil {
		return fmt.Sprint(s.Type)
	}
	return "object"
}
