package v3

import (
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"nacre/server/clock"
	"nacre/server/fault"
	"nacre/web/api/wire"
)

func TestAServerThatIsNotReadySaysSoOnEveryPath(t *testing.T) {
	app := fiber.New()
	Register(app, Deps{Deps: wire.Deps{
		Clock: clock.System{}, Ready: func() error { return fault.New(fault.Unavailable, "no leader is known") },
	}})
	for _, path := range []string{"/nacos/v3/admin/core/state/readiness", "/nacos/v3/console/health/readiness"} {
		res, err := app.Test(httptest.NewRequest("GET", path, nil))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != 503 || !strings.Contains(string(body), `"code":30000`) || !strings.Contains(string(body), "no leader is known") {
			t.Errorf("%s: %d %s, %v", path, res.StatusCode, body, err)
		}
	}
}
