// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Maintenance
import TestSupport
import Testing
import WireFormat

@testable import IcepackAPI

@Suite struct OpenAPITests {
    @Test func `the document lists exactly the routes that there are`() throws {
        let configuration = APIConfiguration(
            store: InMemoryJobStore(), planner: plannedExpiry, inspector: inspectedTable,
            router: .everything, now: { TestAPI.now }, logger: .silent)
        let routes = APIHandlers(configuration).table.routes
            .map { "\($0.method.rawValue) \($0.template)" }

        let documented = try OpenAPIReader().operations.map { "\($0.method) \($0.path)" }

        #expect(routes.sorted() == documented.sorted())
        #expect(Set(routes).count == routes.count)
    }

    @Test func `the document lists exactly the codes that there are, each with its status`() throws
    {
        let reader = try OpenAPIReader()
        let listed = (reader.schema("ProblemCode")?["enum"]?.arrayValue ?? [])
            .compactMap(\.stringValue)

        #expect(Set(listed) == Set(ProblemCode.allCases.map(\.rawValue)))
        for answer in reader.answers {
            guard let code = answer.code else { continue }
            #expect(ProblemCode(rawValue: code)?.status.code == answer.status, "\(answer)")
        }
        // What no operation answers with belongs to paths and methods that are not there.
        let answered = Set(reader.answers.compactMap(\.code))
        #expect(Set(listed).subtracting(answered) == ["not_found", "method_not_allowed"])
    }

    @Test(arguments: MaintenanceAction.allCases)
    func `the options of an action are those that it takes, with their ranges`(
        action: MaintenanceAction
    ) throws {
        let reader = try OpenAPIReader()
        let name =
            action.rawValue.split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }
            .joined() + "Options"
        let schema = try #require(reader.schema(name))
        let properties = try #require(schema["properties"]?.objectValue)

        #expect(schema["additionalProperties"] == false)
        #expect(Set(properties.keys) == Set(action.declarations.map(\.name)))
        for declaration in action.declarations {
            let property = try #require(properties[declaration.name]?.objectValue)
            if case .integer(let range) = declaration.type {
                #expect(property["minimum"]?.int64Value == range.lowerBound)
                #expect(property["maximum"]?.int64Value == range.upperBound)
            }
            if case .choice(let words) = declaration.type {
                let listed = property["enum"]?.arrayValue?.compactMap(\.stringValue)
                #expect(listed == words)
            }
        }
    }

    @Test func `the documented job has the members of a job in their order`() throws {
        let schema = try #require(try OpenAPIReader().schema("Job"))
        let required = schema["required"]?.arrayValue?.compactMap(\.stringValue)

        #expect(schema["properties"]?.objectValue?.keys == required)
        #expect(required?.count == 16)
    }
}
