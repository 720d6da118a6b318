package nacre

import (
	"reflect"
	"runtime"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// operation is one row of the table that both the routes and the document are made from.
type operation struct {
	id      string
	method  string
	path    string // below the prefix, with {name} for parts that vary
	summary string
	text    string
	in      reflect.Type
	out     reflect.Type // nil when the answer is not JSON
	media   string       // of an answer that is not JSON
	example any          // of the answer
	faults  []int        // statuses of refusals, besides 400 and 500
	serve   func(*api, *fiber.Ctx) error
	handler string // name of the function that serves it, for the test that reads its source
}

// jsonOperation makes an operation of a function that takes what a request says and returns what
// its answer says. In is a struct as decode describes.
func jsonOperation[In, Out any](o operation, f func(*api, *fiber.Ctx, *In) (Out, error)) operation {
	o.in, o.out = reflect.TypeFor[In](), reflect.TypeFor[Out]()
	o.handler = funcName(f)
	o.serve = func(a *api, c *fiber.Ctx) error {
		in := new(In)
		if err := decode(c, in); err != nil {
			return err
		}
		out, err := f(a, c, in)
		if err != nil {
			return err
		}
		return c.JSON(out)
	}
	return o
}

// rawOperation makes an operation of a function that writes its answer itself.
func rawOperation[In any](o operation, f func(*api, *fiber.Ctx, *In) error) operation {
	o.in = reflect.TypeFor[In]()
	o.handler = funcName(f)
	o.serve = func(a *api, c *fiber.Ctx) error {
		in := new(In)
		if err := decode(c, in); err != nil {
			return err
		}
		return f(a, c, in)
	}
	return o
}

func funcName(f any) string {
	name := runtime.FuncForPC(reflect.ValueOf(f).Pointer()).Name()
	return name[strings.LastIndexByte(name, '.')+1:]
}

// fiberPath returns the path as Fiber writes it: :name for {name}.
func (o *operation) fiberPath() string {
	return strings.NewReplacer("{", ":", "}", "").Replace(o.path)
}
