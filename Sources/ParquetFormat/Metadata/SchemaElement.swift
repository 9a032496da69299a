// SPDX-License-Identifier: Apache-2.0

/// One node of a file's schema, as the footer lists them: a parent, then its children.
struct SchemaElement: ThriftStruct, Hashable, Sendable {
    var type: PhysicalType?
    var typeLength: Int32?
    var repetition: FieldRepetition?
    var name: String
    var childCount: Int32?
    var convertedType: Int32?
    var scale: Int32?
    var precision: Int32?
    var fieldID: Int32?
    var logicalType: RawThriftStruct?
    var unknown: [ThriftUnknownField] = []

    init(name: String) { self.name = name }

    init(from reader: inout ThriftReader) throws(ParquetError) {
        var name: String?
        var element = SchemaElement(name: "")
        var last = try reader.beginStruct()
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: element.type = try reader.enumeration(field, "physical type")
            case 2: element.typeLength = try reader.i32(field)
            case 3: element.repetition = try reader.enumeration(field, "repetition")
            case 4: name = try reader.string(field)
            case 5: element.childCount = try reader.i32(field)
            case 6: element.convertedType = try reader.i32(field)
            case 7: element.scale = try reader.i32(field)
            case 8: element.precision = try reader.i32(field)
            case 9: element.fieldID = try reader.i32(field)
            case 10: element.logicalType = try reader.structure(field)
            default: try reader.keep(field, in: &element.unknown)
            }
        }
        element.name = try reader.required(name, "the name of a schema element")
        self = element
    }

    func write(to writer: inout ThriftWriter) {
        writer.field(1, type?.rawValue)
        writer.field(2, typeLength)
        writer.field(3, repetition?.rawValue)
        writer.field(4, name)
        writer.field(5, childCount)
        writer.field(6, convertedType)
        writer.field(7, scale)
        writer.field(8, precision)
        writer.field(9, fieldID)
        writer.field(10, logicalType)
        writer.fields(unknown)
    }
}
