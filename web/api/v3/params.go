package v3

import (
	"fmt"
	"strconv"
	"strings"

	"nacre/server/config"
	"nacre/server/fault"
	"nacre/web/api/wire"
)

// keyOf checks the names of a request and returns the configuration that it is about.
func keyOf(p *wire.Params) (config.Key, error) {
	if err := check(p); err != nil {
		return config.Key{}, err
	}
	for _, name := range []string{"groupName", "dataId"} {
		if v, _ := p.View(name); wire.Blank(v) {
			return config.Key{}, absent(name)
		}
	}
	ns := p.Text("namespaceId")
	return config.Key{Namespace: wire.Namespace(ns), Group: p.Text("groupName"), DataID: p.Text("dataId")}, nil
}

// absent is the refusal of a form without one of its texts.
func absent(name string) error {
	return wire.Missing("Required parameter '" + name + "' type String is not present")
}

// absentArgument is the refusal of a request without a parameter that is not part of a form.
func absentArgument(name, kind string) error {
	return wire.Missing("Required request parameter '" + name + "' for method parameter type " + kind + " is not present")
}

// argument returns a required parameter that may be blank.
func argument(p *wire.Params, name string) (string, error) {
	v, ok := p.Get(name)
	if !ok {
		return "", absentArgument(name, "String")
	}
	return v, nil
}

// page returns the number and size of a page, refusing what is no positive number.
func page(p *wire.Params) (no, size int, err error) {
	if no, err = positive(p, "pageNo", 1); err != nil {
		return 0, 0, err
	}
	size, err = positive(p, "pageSize", 100)
	return no, size, err
}

func positive(p *wire.Params, name string, fallback int) (int, error) {
	text, ok := p.Get(name)
	if !ok || text == "" {
		return fallback, nil
	}
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
	switch {
	case err != nil:
		return 0, notNumber(name, text)
	case n < 1:
		return 0, wire.Refuse(400, wire.ParameterInvalid, fmt.Sprintf("Required parameter '%s' should be positive integer, current is %d", name, n))
	}
	return int(n), nil
}

func notNumber(name, text string) error {
	return wire.Refuse(400, wire.ParameterInvalid, fmt.Sprintf("Parameter '%s' is no number: %s", name, text))
}

// number returns a required number.
func number(p *wire.Params, name string) (int64, error) {
	text, ok := p.Get(name)
	if !ok || text == "" {
		return 0, absentArgument(name, "Long")
	}
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return 0, notNumber(name, text)
	}
	return n, nil
}

// numbers returns a comma list of numbers; given is false when there is no such parameter.
func numbers(p *wire.Params, name string) (list []int64, given bool, err error) {
	text, given := p.Get(name)
	list, bad := wire.IDs(text)
	if bad != "" {
		return nil, given, notNumber(name, bad)
	}
	return list, given, nil
}

// truth returns a flag as Java's parseBoolean reads one.
func truth(p *wire.Params, name string) bool {
	v, _ := p.View(name)
	return strings.EqualFold(strings.TrimSpace(v), "true")
}

// notFound is the refusal of something that does not exist.
func notFound(format string, args ...any) error { return fault.New(fault.NotFound, format, args...) }
