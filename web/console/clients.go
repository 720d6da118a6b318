package console

import "github.com/gofiber/fiber/v2"

func (p *pages) clientsRoutes(r fiber.Router) {}
