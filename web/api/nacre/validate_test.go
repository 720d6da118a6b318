package nacre

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Validate returns what is wrong with value, JSON as decoded into any, by a schema of doc. It knows
// what the document uses of JSON schema, and refuses a schema that uses more.
func Validate(doc map[string]any, s map[string]any, value any) error {
	return (&validator{doc}).check("$", s, value)
}

type validator struct{ doc map[string]any }

var knownWords = []string{
	"$ref", "type", "format", "description", "enum", "default", "minimum", "maximum", "maxItems", "items", "properties", "required", "additionalProperties", "anyOf",
}

func (v *validator) check(at string, s map[string]any, value any) error {
	for word := range s {
		if !slices.Contains(knownWords, word) {
			return fmt.Errorf("%s: the schema has the unknown word %s", at, word)
		}
	}
	if ref, ok := s["$ref"].(string); ok {
		target, err := resolve(v.doc, ref)
		if err != nil {
			return err
		}
		return v.check(at, target, value)
	}
	if any, ok := s["anyOf"].([]any); ok {
		return v.anyOf(at, any, value)
	}
	if err := checkType(at, s["type"], value); err != nil {
		return err
	}
	if enum, ok := s["enum"].([]any); ok && !slices.Contains(enum, value) {
		return fmt.Errorf("%s is %v, not one of %v", at, value, enum)
	}
	switch value := value.(type) {
	case map[string]any:
		return v.object(at, s, value)
	case []any:
		items, _ := s["items"].(map[string]any)
		for i, it := range value {
			if err := v.check(fmt.Sprintf("%s[%d]", at, i), items, it); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *validator) anyOf(at string, schemas []any, value any) error {
	var last error
	for _, one := range schemas {
		if last = v.check(at, one.(map[string]any), value); last == nil {
			return nil
		}
	}
	return last
}

func (v *validator) object(at string, s, value map[string]any) error {
	properties, _ := s["properties"].(map[string]any)
	required, _ := s["required"].([]any)
	for _, name := range required {
		if _, ok := value[name.(string)]; !ok {
			return fmt.Errorf("%s has no %s", at, name)
		}
	}
	for name, one := range value {
		if p, ok := properties[name].(map[string]any); ok {
			if err := v.check(at+"."+name, p, one); err != nil {
				return err
			}
			continue
		}
		switch rest := s["additionalProperties"].(type) {
		case map[string]any:
			if err := v.check(at+"."+name, rest, one); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%s has %s, which the schema does not", at, name)
		}
	}
	return nil
}

func checkType(at string, want any, value any) error {
	var got string
	switch value := value.(type) {
	case nil:
		got = "null"
	case bool:
		got = "boolean"
	case string:
		got = "string"
	case float64:
		got = "number"
		if value == math.Trunc(value) {
			got = "integer"
		}
	case []any:
		got = "array"
	case map[string]any:
		got = "object"
	}
	allowed, _ := want.([]any)
	if one, ok := want.(string); ok {
		allowed = []any{one}
	}
	if !slices.Contains(allowed, any(got)) && !(got == "integer" && slices.Contains(allowed, any("number"))) {
		return fmt.Errorf("%s is a %s, the schema says %v", at, got, want)
	}
	return nil
}

// resolve follows a reference within doc.
func resolve(doc map[string]any, ref string) (map[string]any, error) {
	var at any = doc
	for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		m, ok := at.(map[string]any)
		if !ok || m[part] == nil {
			return nil, fmt.Errorf("%s leads nowhere", ref)
		}
		at = m[part]
	}
	return at.(map[string]any), nil
}

// Decoded returns the document as JSON has it.
func Decoded(doc []byte) (map[string]any, error) {
	var m map[string]any
	err := json.Unmarshal(doc, &m)
	return m, err
}
