package console

import "github.com/gofiber/fiber/v2"

func (p *pages) transferRoutes(r fiber.Router) {}
