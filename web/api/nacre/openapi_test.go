package nacre

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"reflect"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
)

func document1(t *testing.T) map[string]any {
	t.Helper()
	doc, err := Decoded(Document("test"))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// operationsOf returns the operations of a document by "METHOD path".
func operationsOf(doc map[string]any) map[string]map[string]any {
	out := make(map[string]map[string]any)
	for path, methods := range doc["paths"].(map[string]any) {
		for method, op := range methods.(map[string]any) {
			out[strings.ToUpper(method)+" "+path] = op.(map[string]any)
		}
	}
	return out
}

// The methods of each path are compared on a running server, see TestEveryMethodIsDocumented.
func TestEveryPathIsDocumentedAndEveryDocumentedPathExists(t *testing.T) {
	app := fiber.New()
	Register(app, Deps{Version: "test"})
	routes := make(map[string]bool)
	for _, r := range app.GetRoutes(true) {
		if strings.HasPrefix(r.Path, Prefix) && !strings.HasSuffix(r.Path, "*") {
			routes[braces(r.Path)] = true
		}
	}
	documented := document1(t)["paths"].(map[string]any)
	for path := range documented {
		if !routes[path] {
			t.Errorf("%s is documented and does not exist", path)
		}
	}
	for path := range routes {
		if documented[path] == nil {
			t.Errorf("%s exists and is not documented", path)
		}
	}
}

// braces writes a Fiber path as the document does.
func braces(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if name, ok := strings.CutPrefix(p, ":"); ok {
			parts[i] = "{" + name + "}"
		}
	}
	return strings.Join(parts, "/")
}

func TestTheDocumentIsSound(t *testing.T) {
	doc := document1(t)
	if doc["openapi"] != "3.1.0" {
		t.Errorf("openapi is %v", doc["openapi"])
	}
	ids := make(map[string]bool)
	for name, op := range operationsOf(doc) {
		id, _ := op["operationId"].(string)
		if id == "" || ids[id] || op["summary"] == "" {
			t.Errorf("%s has the operationId %q and the summary %v", name, id, op["summary"])
		}
		ids[id] = true
		inPath := make(map[string]bool)
		params, _ := op["parameters"].([]any)
		for _, p := range params {
			p := p.(map[string]any)
			if p["description"] == "" {
				t.Errorf("%s: parameter %v has no description", name, p["name"])
			}
			if p["in"] == "path" {
				inPath[p["name"].(string)] = true
			}
		}
		for part := range strings.SplitSeq(name, "/") {
			if strings.HasPrefix(part, "{") && !inPath[strings.Trim(part, "{}")] {
				t.Errorf("%s: %s is no parameter", name, part)
			}
		}
	}
	checkRefs(t, doc, doc)
}

func checkRefs(t *testing.T, doc map[string]any, at any) {
	switch at := at.(type) {
	case map[string]any:
		if ref, ok := at["$ref"].(string); ok {
			if _, err := resolve(doc, ref); err != nil {
				t.Error(err)
			}
		}
		for _, v := range at {
			checkRefs(t, doc, v)
		}
	case []any:
		for _, v := range at {
			checkRefs(t, doc, v)
		}
	}
}

func TestExamplesFitTheirSchemas(t *testing.T) {
	doc := document1(t)
	n := 0
	check := func(where string, response map[string]any) {
		content, _ := response["content"].(map[string]any)
		media, ok := content["application/json"].(map[string]any)
		if !ok {
			return
		}
		if media["example"] == nil {
			t.Errorf("%s has no example", where)
			return
		}
		if err := Validate(doc, media["schema"].(map[string]any), media["example"]); err != nil {
			t.Errorf("%s: %v", where, err)
		}
		n++
	}
	for name, op := range operationsOf(doc) {
		check(name, op["responses"].(map[string]any)["200"].(map[string]any))
	}
	for status, r := range doc["components"].(map[string]any)["responses"].(map[string]any) {
		check(status, r.(map[string]any))
	}
	if n < 15 {
		t.Errorf("only %d examples were checked", n)
	}
}

// TestEveryDocumentedParameterIsRead looks into the source of each operation's handler, and of the
// methods of its input that it calls, for every field of the input.
func TestEveryDocumentedParameterIsRead(t *testing.T) {
	funcs := sourceOf(t)
	for _, o := range operations() {
		fn := funcs[o.handler]
		if fn == nil {
			t.Errorf("%s: there is no function %s", o.id, o.handler)
			continue
		}
		read := fieldsRead(fn, inputName(fn), funcs)
		for _, f := range reflect.VisibleFields(o.in) {
			if !f.Anonymous && !read[f.Name] {
				t.Errorf("%s: %s does not read the field %s of its input", o.id, o.handler, f.Name)
			}
		}
	}
}

func sourceOf(t *testing.T) map[string]*ast.FuncDecl {
	t.Helper()
	set := token.NewFileSet()
	pkgs, err := parser.ParseDir(set, ".", func(f fs.FileInfo) bool { return !strings.HasSuffix(f.Name(), "_test.go") }, 0)
	if err != nil {
		t.Fatal(err)
	}
	funcs := make(map[string]*ast.FuncDecl)
	for _, file := range pkgs["nacre"].Files {
		for _, d := range file.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				funcs[fn.Name.Name] = fn
			}
		}
	}
	return funcs
}

// inputName returns the name of the last parameter of a handler, "" when it has none.
func inputName(fn *ast.FuncDecl) string {
	params := fn.Type.Params.List
	names := params[len(params)-1].Names
	if len(names) == 0 {
		return ""
	}
	return names[0].Name
}

// fieldsRead returns which fields of the variable input fn reads, itself or by a method of it.
func fieldsRead(fn *ast.FuncDecl, input string, funcs map[string]*ast.FuncDecl) map[string]bool {
	read := make(map[string]bool)
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if id, ok := sel.X.(*ast.Ident); !ok || id.Name != input {
			return true
		}
		read[sel.Sel.Name] = true
		method := funcs[sel.Sel.Name]
		if method != nil && method.Recv != nil && len(method.Recv.List[0].Names) == 1 && method != fn {
			for name := range fieldsRead(method, method.Recv.List[0].Names[0].Name, funcs) {
				read[name] = true
			}
		}
		if sel.Sel.Name == "namespaceIn" { // handed on as a whole
			read["ID"] = true
		}
		return true
	})
	return read
}

func TestInputsAndAnswersAreOfKnownTypes(t *testing.T) {
	for _, o := range operations() {
		for _, f := range fieldsOf(o.in) {
			if f.source != "body" && f.doc == "" {
				t.Errorf("%s: %s has no description", o.id, f.name)
			}
			if f.fallback != "" {
				to := reflect.New(f.typ).Elem()
				if err := f.set(to, nil); err != nil {
					t.Errorf("%s: the default of %s: %v", o.id, f.name, err)
				}
			}
		}
		if o.out != nil && o.example == nil {
			t.Errorf("%s has no example", o.id)
		}
		if o.example != nil {
			if b, err := json.Marshal(o.example); err != nil || len(b) == 0 {
				t.Errorf("%s: %v", o.id, err)
			}
			if got := reflect.TypeOf(o.example); got != o.out.Elem() {
				t.Error(fmt.Sprintf("%s: the example is a %s, the answer a %s", o.id, got, o.out.Elem()))
			}
		}
	}
}
